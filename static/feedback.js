// What a person says of an answer, in place: thumbs, reasons, a correction, and a mark on each source.
// Each click is kept at once; the server knows what was said when the page is opened again.

import { request } from "./api.js";
import { fill, problemText } from "./dom.js";

const BY = "web page";

/** Requests on one answer follow one another, so that two quick clicks make one piece of feedback. */
const queues = new WeakMap();

const formOf = (box) => box.querySelector(".feedback-form");
const thumb = (box, direction) => box.querySelector(`.thumb[data-thumbs="${direction}"]`);
const boxOf = (element) => element.closest(".turn").querySelector(".feedback");

function say(box, text) {
  box.querySelector(".feedback-status").textContent = text;
}

/** Keeps what was said; `what` is what changes. */
function keep(box, what) {
  const before = queues.get(box) ?? Promise.resolve();
  const now = before.then(() => sendTo(box, what));
  queues.set(box, now.catch(() => {}));
  return now;
}

async function sendTo(box, what) {
  const error = box.querySelector(".feedback-error");
  fill(error);
  const json = { ...what, by: BY };
  const give = () => request("POST", `/api/v1/answers/${encodeURIComponent(box.dataset.answer)}/feedback`, { json });
  try {
    let kept;
    if (box.dataset.feedback === "") {
      kept = await give();
    } else {
      try {
        kept = await request("PATCH", `/api/v1/feedback/${encodeURIComponent(box.dataset.feedback)}`, { json });
      } catch (problem) {
        // Taken back or deleted elsewhere meanwhile: it is said anew.
        if (!["feedback_withdrawn", "feedback_not_found"].includes(problem.code)) throw problem;
        kept = await give();
      }
    }
    box.dataset.feedback = kept.id;
    show(box, kept.opinion);
    // Said at once, while whoever wrote it can still say it otherwise.
    const left = kept.opinion.correction && kept.left_out !== null;
    say(box, left ? `Kept for review; training would leave the correction out: ${kept.left_out}` : "Kept for review");
    return kept;
  } catch (problem) {
    fill(error, problemText(problem));
    say(box, "");
    throw problem;
  }
}

/** The buttons show what the server has. */
function show(box, opinion) {
  const good = opinion.thumbs === "up" || opinion.rating >= 4;
  const bad = opinion.thumbs === "down" || (opinion.rating !== null && opinion.rating <= 2);
  thumb(box, "up").setAttribute("aria-pressed", String(good));
  thumb(box, "down").setAttribute("aria-pressed", String(bad));
  box.querySelector(".feedback-more").hidden = box.dataset.feedback === "";
  box.querySelector(".feedback-reasons").hidden = good;
  for (const tick of formOf(box).elements.tag ? formOf(box).querySelectorAll("[name=tag]") : []) {
    tick.checked = opinion.tags.includes(tick.value);
  }
  for (const source of box.closest(".turn").querySelectorAll(".source")) {
    const mark = opinion.citations.find((one) => one.key === Number(source.dataset.key));
    for (const button of source.querySelectorAll(".source-mark")) {
      button.setAttribute("aria-pressed", String(mark !== undefined && mark.right === (button.dataset.right === "true")));
    }
  }
}

function unfold(box, open) {
  formOf(box).hidden = !open;
  box.querySelector(".feedback-more").setAttribute("aria-expanded", String(open));
}

async function judge(button) {
  const box = button.closest(".feedback");
  const direction = button.dataset.thumbs;
  // Reasons to be bad do not go with a good answer.
  const what = direction === "up" ? { thumbs: "up", tags: [] } : { thumbs: "down" };
  await keep(box, what);
  unfold(box, direction === "down");
  if (direction === "down") formOf(box).querySelector("input, textarea").focus();
}

async function mark(button) {
  const box = boxOf(button);
  const source = button.closest(".source");
  const wasPressed = button.getAttribute("aria-pressed") === "true";
  const marks = [...box.closest(".turn").querySelectorAll(".source-mark[aria-pressed=true]")]
    .filter((one) => one.closest(".source") !== source)
    .map((one) => ({ key: Number(one.closest(".source").dataset.key), right: one.dataset.right === "true" }));
  if (!wasPressed) marks.push({ key: Number(source.dataset.key), right: button.dataset.right === "true" });
  if (marks.length === 0 && box.dataset.feedback === "") return;
  // Shown at once, so that a second click knows of the first; the answer corrects it.
  for (const one of source.querySelectorAll(".source-mark")) one.setAttribute("aria-pressed", String(one === button && !wasPressed));
  try {
    await keep(box, { citations: marks });
  } catch (problem) {
    button.setAttribute("aria-pressed", String(wasPressed));
    // Taking away the only thing that was said is taking it back.
    if (problem.code === "feedback_empty") await withdraw(box);
  }
}

async function save(form) {
  const box = form.closest(".feedback");
  const text = (name) => form.elements[name].value.trim() || null;
  const tags = [...form.querySelectorAll("[name=tag]:checked")].map((tick) => tick.value);
  const good = thumb(box, "up").getAttribute("aria-pressed") === "true";
  await keep(box, { tags: good ? [] : tags, correction: text("correction"), comment: text("comment") });
  unfold(box, false);
  box.querySelector(".feedback-more").focus();
}

async function withdraw(box) {
  const id = box.dataset.feedback;
  if (id === "") return;
  try {
    await request("POST", `/api/v1/feedback/${encodeURIComponent(id)}/withdraw`, { json: { by: BY } });
  } catch (problem) {
    if (problem.status !== 404) {
      fill(box.querySelector(".feedback-error"), problemText(problem));
      return;
    }
  }
  box.dataset.feedback = "";
  for (const name of ["correction", "comment"]) formOf(box).elements[name].value = "";
  fill(box.querySelector(".feedback-error"));
  show(box, { thumbs: null, rating: null, tags: [], citations: [] });
  unfold(box, false);
  say(box, "Taken back");
  thumb(box, "down").focus();
}

/** Failures are on the page by now; what is none of the server's goes to the console. */
const handled = (work) => work.catch((error) => {
  if (error.status === undefined) console.error(error);
});

/** Makes the buttons of all answers work, now and later. */
export function watchFeedback() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".thumb")) handled(judge(button));
    else if (button.matches(".source-mark")) handled(mark(button));
    else if (button.matches(".feedback-withdraw")) handled(withdraw(button.closest(".feedback")));
    else if (button.matches(".feedback-more")) {
      const box = button.closest(".feedback");
      unfold(box, formOf(box).hidden);
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".feedback-form")) return;
    event.preventDefault();
    handled(save(event.target));
  });
}
