// The question box: asks, shows the evidence and the answer as they arrive, and keeps the last
// answer in this tab, so that coming back from a source shows it again.

import { Problem, send } from "./api.js";
import { byId, fill, h, plural, problemNotice } from "./dom.js";
import { showAnswer, showPassages } from "./answer.js";
import { forgetAnswer, keepAnswer, keptAnswer } from "./kept.js";
import { readEvents } from "./sse.js";

const LONGEST_QUESTION = 2000;
const NEAR_THE_LIMIT = 1800;

const form = byId("ask-form");
const question = byId("question");
const collection = byId("collection");
const counter = byId("question-count");
const askButton = byId("ask-button");
const stopButton = byId("stop-button");
const status = byId("ask-status");
const answer = byId("answer");
const sources = byId("sources");

let running = null;

function setState(state) {
  answer.dataset.state = state;
  answer.setAttribute("aria-busy", String(state === "streaming"));
  const streaming = state === "streaming";
  const focusWasOnStop = document.activeElement === stopButton;
  askButton.hidden = streaming;
  stopButton.hidden = !streaming;
  if (!streaming && focusWasOnStop) question.focus();
}

function count() {
  const length = question.value.length;
  counter.textContent = length >= NEAR_THE_LIMIT ? `${length.toLocaleString()} of ${LONGEST_QUESTION.toLocaleString()} characters` : "";
}

/** What is on screen while an answer is on its way. */
function startStreaming(asked) {
  const progress = h("p", { class: "answer-progress" }, "Searching your papers");
  const text = h("p", { class: "answer-text answer-draft", dir: "auto" });
  fill(answer, h("h2", { class: "asked", dir: "auto" }, asked), progress, text);
  fill(sources);
  status.textContent = "Searching your papers";
  setState("streaming");
  return { progress, text };
}

/** The heading speaks of what goes on; once nothing does, of what was done. */
function passagesWereRead() {
  const heading = sources.querySelector("h2");
  if (heading) heading.textContent = "Passages read";
}

function fail(problem, draft) {
  draft.progress.remove();
  if (draft.text.textContent === "") draft.text.remove();
  answer.append(problemNotice(problem));
  passagesWereRead();
  status.textContent = "";
  setState("error");
}

async function ask() {
  const asked = question.value.trim();
  if (asked === "" || running) return;
  const chosen = collection?.value || undefined;
  const abort = new AbortController();
  running = abort;
  forgetAnswer();
  const draft = startStreaming(asked);
  let passages = [];
  let finished = false;

  const handlers = {
    evidence(data) {
      passages = data.passages ?? [];
      draft.progress.textContent = passages.length > 0 ? `Reading ${plural(passages.length, "passage")}` : "Reading";
      status.textContent = draft.progress.textContent;
      showPassages(sources, "Reading these passages", passages);
    },
    token(data) {
      draft.progress.textContent = "Answering";
      draft.text.append(data.text);
    },
    answer(data) {
      finished = true;
      showAnswer(answer, sources, data, passages);
      keepAnswer({ collection: chosen ?? "", answer: data, passages });
      status.textContent = data.outcome === "insufficient_evidence" ? "Your papers don’t hold enough evidence to answer this" : `Answered, with ${plural((data.citations ?? []).length, "source")}`;
      setState("done");
    },
    error(data) {
      finished = true;
      fail(new Problem(data), draft);
    },
  };

  try {
    const response = await send("POST", "/api/v1/ask", {
      json: { question: asked, collection: chosen },
      signal: abort.signal,
      accept: "text/event-stream",
    });
    await readEvents(response, (name, data) => {
      if (!finished) handlers[name]?.(JSON.parse(data));
    });
    if (!finished) throw new Problem({ detail: "The answer broke off before its end.", hint: "Ask again; if it happens again, Lectern’s log says why." });
  } catch (error) {
    if (abort.signal.aborted) stopped(draft);
    else if (!finished) fail(error instanceof Problem ? error : new Problem({ detail: "The answer broke off before its end.", hint: "Check that Lectern is still running, then ask again." }), draft);
    else console.error(error);
  } finally {
    running = null;
  }
}

function stopped(draft) {
  draft.progress.remove();
  const partial = draft.text.textContent !== "";
  answer.append(h("p", { class: "notice" }, partial ? "Stopped. What was written so far has not been checked against the sources." : "Stopped."));
  passagesWereRead();
  status.textContent = "Stopped";
  setState("done");
}

/** Shows the answer that this tab got last. */
function restore() {
  const kept = keptAnswer();
  if (!kept) return;
  question.value = kept.answer.question;
  if (collection && [...collection.options].some((option) => option.value === kept.collection)) collection.value = kept.collection;
  showAnswer(answer, sources, kept.answer, kept.passages);
  setState("done");
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  });
  question.addEventListener("input", count);
  stopButton.addEventListener("click", () => running?.abort());
  try {
    restore();
  } catch (error) {
    // Kept by another version, say; an answer can be asked for again.
    console.warn(error);
    forgetAnswer();
    fill(answer);
    fill(sources);
    setState("idle");
  }
  count();
}
