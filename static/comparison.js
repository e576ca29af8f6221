// Two answers side by side: which is better.

import { problemFrom, request, unreachable } from "./api.js";
import { byId, fill, problemNotice } from "./dom.js";

/** Milliseconds between two looks whether a pair has come. */
const LOOK = 2000;

const place = byId("comparison");

/** Puts the page as the server draws it now in the place of what is shown. */
async function redraw() {
  let response;
  try {
    response = await fetch(location.pathname, { credentials: "same-origin", headers: { Accept: "text/html" } });
  } catch {
    throw unreachable();
  }
  const html = await response.text();
  if (!response.ok) throw problemFrom(response.status, "");
  // Markup of our own server, in which all text is escaped; scripts in it would not run.
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("comparison");
  for (const name of ["position", "asking"]) {
    if (fresh.dataset[name] === undefined) delete place.dataset[name];
    else place.dataset[name] = fresh.dataset[name];
  }
  place.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
}

async function waitForPairs() {
  while (place.dataset.asking && !place.dataset.position) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (document.hidden) continue;
    try {
      await redraw();
    } catch (problem) {
      fill(byId("comparison-error"), problemNotice(problem));
      return;
    }
  }
}
waitForPairs();

place.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-vote]");
  if (!button) return;
  const error = byId("comparison-error");
  fill(error);
  for (const one of place.querySelectorAll("[data-vote]")) one.disabled = true;
  try {
    const json = { position: Number(place.dataset.position), vote: button.dataset.vote };
    await request("POST", `/api/v1/comparisons/${encodeURIComponent(place.dataset.id)}/votes`, { json });
    await redraw();
    place.querySelector("h2, p")?.scrollIntoView({ block: "nearest" });
    waitForPairs();
  } catch (problem) {
    for (const one of place.querySelectorAll("[data-vote]")) one.disabled = false;
    fill(error, problemNotice(problem));
  }
});
