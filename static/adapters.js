// Adapters on the training page: evaluated, compared, promoted, rolled back.

import { request, send } from "./api.js";
import { byId, fill, problemNotice } from "./dom.js";

/** Milliseconds between two looks at an evaluation that runs. */
const LOOK = 3000;

const address = (adapter, step = "") => `/api/v1/adapters/${encodeURIComponent(adapter)}${step}`;

async function act(button, work) {
  const error = byId("adapter-error");
  fill(error);
  button.disabled = true;
  try {
    await work();
  } catch (problem) {
    button.disabled = false;
    fill(error, problemNotice(problem));
    error.scrollIntoView({ block: "nearest" });
  }
}

/** Loads the page again where the section stands now. */
function again() {
  location.hash = "adapters-heading";
  location.reload();
}

async function promote(adapter, wanted) {
  await request("POST", address(adapter, "/promote"), { json: wanted });
  again();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "adapter-rollback") {
    act(button, async () => {
      await request("POST", "/api/v1/adapters/rollback", { json: {} });
      again();
    });
    return;
  }
  const adapter = button.closest("[data-adapter]")?.dataset.adapter;
  if (!adapter) return;
  if (button.matches(".adapter-evaluate")) {
    act(button, async () => {
      await request("POST", address(adapter, "/evaluate"), { json: {} });
      again();
    });
  }
  if (button.matches(".adapter-promote")) {
    act(button, () => promote(adapter, button.dataset.tolerant ? { tolerant: true } : {}));
  }
  if (button.matches(".adapter-compare")) {
    act(button, async () => {
      const begun = await request("POST", "/api/v1/comparisons", { json: { adapter } });
      location.assign(`/training/comparisons/${encodeURIComponent(begun.id)}`);
    });
  }
  if (button.matches(".adapter-delete")) {
    if (button.dataset.asked !== "yes") {
      button.dataset.asked = "yes";
      button.textContent = "Delete for good?";
      return;
    }
    act(button, async () => {
      await send("DELETE", address(adapter));
      again();
    });
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest(".adapter-force");
  if (!form) return;
  event.preventDefault();
  const adapter = form.closest("[data-adapter]").dataset.adapter;
  const reason = form.elements.reason.value.trim();
  act(form.querySelector("button"), () => promote(adapter, { force: true, reason }));
});

/** Follows an evaluation until it is over, and then shows what it found. */
async function follow(card) {
  const place = card.querySelector("[role='status']");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (document.hidden) continue;
    try {
      const { evaluating } = await request("GET", address(card.dataset.adapter));
      if (!evaluating || evaluating.failed) return again();
      if (evaluating.total && place) place.textContent = `Being evaluated: ${evaluating.done} of ${evaluating.total} answers`;
    } catch (problem) {
      return fill(byId("adapter-error"), problemNotice(problem));
    }
  }
}
for (const card of document.querySelectorAll("[data-evaluating]")) follow(card);
