// The review queue: approve, rewrite, reject, delete, and bring pairs in from a file.

import { csrfToken, problemFrom, request, send, unreachable } from "./api.js";
import { byId, fill, h, localDate, plural, problemNotice, problemText } from "./dom.js";

const BY = "web page";

for (const time of document.querySelectorAll("time")) time.textContent = localDate(time.dateTime);

const list = document.querySelector(".review-list");
const status = byId("review-status");
const shown = list.dataset.state;

function count(state, change) {
  const place = document.querySelector(`.tab-count[data-state="${state}"]`);
  if (place) place.textContent = String(Math.max(0, Number(place.textContent) + change));
}

/** The card leaves the list, and what comes after it is next for the keyboard. */
function leave(card, text, to) {
  const next = card.nextElementSibling ?? card.previousElementSibling;
  card.remove();
  count(shown, -1);
  if (to) count(to, 1);
  byId("review-empty").hidden = document.querySelector(".review-card") !== null;
  status.textContent = text;
  (next ?? byId("review-empty")).focus();
}

const address = (card, step = "") => `/api/v1/feedback/${encodeURIComponent(card.dataset.id)}${step}`;

async function approve(card) {
  const text = card.querySelector("[name=edited]");
  // What was left as it was proposed is approved as it is.
  const edited = text.value.trim() === text.defaultValue.trim() ? undefined : text.value.trim();
  const approved = await request("POST", address(card, "/approve"), { json: { edited, by: BY } });
  card.querySelector(".review-left-out")?.remove();
  const left = approved.left_out === null ? "" : `, but training leaves it out as it stands: ${approved.left_out}`;
  if (shown === "approved") {
    text.defaultValue = text.value;
    status.textContent = `Saved${left}`;
    fill(card.querySelector(".review-error"), h("p", { class: "hint" }, `Saved${left}`));
    return;
  }
  // The card is gone, so that nothing else on the page would say it.
  status.classList.toggle("visually-hidden", left === "");
  leave(card, `Approved${left}`, "approved");
}

async function reject(card) {
  await request("POST", address(card, "/reject"), { json: { by: BY } });
  leave(card, "Rejected", "rejected");
}

async function remove(card, button) {
  // Asked twice, since nothing brings it back.
  if (button.dataset.asked !== "yes") {
    button.dataset.asked = "yes";
    button.textContent = "Delete for good?";
    return;
  }
  await send("DELETE", address(card));
  leave(card, "Deleted", null);
}

list.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  const card = button?.closest(".review-card");
  if (!card) return;
  if (button.matches(".review-refusal")) {
    const text = card.querySelector("[name=edited]");
    text.value = button.dataset.text;
    text.focus();
    return;
  }
  const work = [
    [".review-approve", () => approve(card)],
    [".review-reject", () => reject(card)],
    [".review-delete", () => remove(card, button)],
  ].find(([kind]) => button.matches(kind));
  if (!work) return;
  const error = card.querySelector(".review-error");
  fill(error);
  button.disabled = true;
  try {
    await work[1]();
  } catch (problem) {
    fill(error, h("div", { class: "notice notice-error" }, problemText(problem)));
    if (problem.status === undefined) console.error(problem);
  } finally {
    button.disabled = false;
  }
});

byId("import-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const result = byId("import-result");
  const [file] = byId("import-file").files;
  if (!file) return;
  fill(result, h("p", { class: "hint" }, `Reading ${file.name}`));
  try {
    const query = new URLSearchParams({ name: file.name, by: BY });
    let response;
    try {
      response = await fetch(`/api/v1/feedback/import?${query}`, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRF-Token": csrfToken() },
        body: file,
        credentials: "same-origin",
      });
    } catch {
      throw unreachable();
    }
    const body = await response.text();
    if (!response.ok) throw problemFrom(response.status, body);
    const report = JSON.parse(body);
    count("pending", report.added);
    fill(
      result,
      h("p", { class: "notice" }, `${plural(report.found, "pair")} in ${report.file}: ${report.added} new, ${report.unchanged} there already. `, report.added > 0 && h("a", { href: "/feedback" }, "Review them")),
      report.warnings.map((warning) => h("p", { class: "hint" }, warning)),
    );
  } catch (problem) {
    fill(result, problemNotice(problem));
    if (problem.status === undefined) console.error(problem);
  }
});
