// The question box of a conversation: asks, shows the evidence and the draft as they arrive, and
// puts the finished turn, as the server draws it, below those before. All of it is in the server's
// catalog, so that reloading and coming back show the same page.

import { Problem, send } from "./api.js";
import { byId, fill, h, plural, problemNotice } from "./dom.js";
import { deleteDialog, renameDialog } from "./conversation_dialogs.js";
import { watchFeedback } from "./feedback.js";
import { showPassages } from "./passages.js";
import { readEvents } from "./sse.js";
import { fetchTurn, watchTurns } from "./turns.js";

const LONGEST_QUESTION = 2000;
const NEAR_THE_LIMIT = 1800;

const form = byId("ask-form");
const question = byId("question");
const collection = byId("collection");
const counter = byId("question-count");
const askButton = byId("ask-button");
const stopButton = byId("stop-button");
const status = byId("ask-status");
const turns = byId("turns");
const live = byId("live");
const answer = byId("answer");
const sources = byId("sources");
const title = byId("conversation-title");

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
  live.hidden = false;
  live.scrollIntoView({ block: "nearest" });
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

/** The page becomes that of the conversation that has just begun. */
function enter(conversation, firstQuestion) {
  if (form.dataset.conversation === conversation) return;
  form.dataset.conversation = conversation;
  title.textContent = firstQuestion;
  document.title = `${firstQuestion} · Lectern`;
  for (const link of document.querySelectorAll(".export-link")) {
    link.href = `/api/v1/conversations/${encodeURIComponent(conversation)}/export?format=${link.dataset.format}`;
  }
  byId("conversation-head").hidden = false;
  byId("ask-intro").hidden = true;
  byId("recent")?.remove();
  form.classList.add("ask-follow-up");
  question.placeholder = "Ask a follow-up";
  history.pushState(null, "", `/conversations/${encodeURIComponent(conversation)}`);
}

async function finish(data, asked) {
  const turn = await fetchTurn(data.conversation, data.id);
  turns.append(turn);
  live.hidden = true;
  fill(answer);
  fill(sources);
  enter(data.conversation, asked);
  form.dataset.collection = collection?.value ?? form.dataset.collection;
  // A question typed meanwhile stays.
  if (question.value.trim() === asked) question.value = "";
  count();
  status.textContent = data.outcome === "insufficient_evidence" ? "Your papers don’t hold enough evidence to answer this" : `Answered, with ${plural((data.citations ?? []).length, "source")}`;
  setState("done");
  turn.scrollIntoView({ block: "nearest" });
}

/** What is asked: of what, only where the conversation does not know it. */
function asking(asked) {
  const conversation = form.dataset.conversation;
  const chosen = collection?.value ?? form.dataset.collection;
  const begins = conversation === "";
  const about = [...document.querySelectorAll("[data-about]")].map((link) => link.dataset.about);
  return {
    question: asked,
    conversation: begins ? "new" : conversation,
    collection: begins ? chosen || undefined : chosen === form.dataset.collection ? undefined : chosen,
    documents: begins || chosen !== form.dataset.collection ? about : [],
  };
}

async function ask() {
  const asked = question.value.trim();
  if (asked === "" || running) return;
  const abort = new AbortController();
  running = abort;
  const draft = startStreaming(asked);
  let finished = null;

  const handlers = {
    evidence(data) {
      const passages = data.passages ?? [];
      draft.progress.textContent = passages.length > 0 ? `Reading ${plural(passages.length, "passage")}` : "Reading";
      status.textContent = draft.progress.textContent;
      showPassages(sources, "Reading these passages", passages);
    },
    token(data) {
      draft.progress.textContent = "Answering";
      draft.text.append(data.text);
    },
    answer(data) {
      finished = { data };
    },
    error(data) {
      finished = { problem: new Problem(data) };
    },
  };

  try {
    const response = await send("POST", "/api/v1/ask", {
      json: asking(asked),
      signal: abort.signal,
      accept: "text/event-stream",
    });
    await readEvents(response, (name, data) => {
      if (!finished) handlers[name]?.(JSON.parse(data));
    });
    if (!finished) throw new Problem({ detail: "The answer broke off before its end.", hint: "Ask again; if it happens again, Lectern’s log says why." });
    if (finished.problem) throw finished.problem;
    await finish(finished.data, asked);
  } catch (error) {
    if (abort.signal.aborted && !finished) stopped(draft);
    else fail(error instanceof Problem ? error : new Problem({ detail: "The answer broke off before its end.", hint: "Check that Lectern is still running, then ask again." }), draft);
    if (!(error instanceof Problem) && !abort.signal.aborted) console.error(error);
  } finally {
    running = null;
  }
}

function stopped(draft) {
  draft.progress.remove();
  const partial = draft.text.textContent !== "";
  answer.append(h("p", { class: "notice" }, partial ? "Stopped. What was written so far has not been checked against the sources, and is not kept." : "Stopped."));
  passagesWereRead();
  status.textContent = "Stopped";
  setState("done");
}

function watchMenu() {
  const menu = document.querySelector("details.menu");
  const rename = renameDialog((renamed) => {
    title.textContent = renamed;
    document.title = `${renamed} · Lectern`;
  });
  const forget = deleteDialog(() => location.assign("/conversations"));
  const close = () => menu.removeAttribute("open");
  byId("rename-button").addEventListener("click", () => {
    close();
    rename(form.dataset.conversation, title.textContent);
  });
  byId("conversation-delete").addEventListener("click", () => {
    close();
    forget(form.dataset.conversation, title.textContent);
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target) || event.target.closest(".export-link")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
}

if (form) {
  watchTurns();
  watchFeedback();
  watchMenu();
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
  // Back and forward between conversations: each address has a page of its own.
  window.addEventListener("popstate", (event) => {
    if (event.state === null && !location.hash) location.reload();
  });
  count();
}
