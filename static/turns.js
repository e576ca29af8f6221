// What can be done with finished answers on the page: following a marker to its source, copying.

import { h } from "./dom.js";
import { problemFrom, unreachable } from "./api.js";

/** A turn as the server draws it, to be put into the page. */
export async function fetchTurn(conversation, answer) {
  const path = `/conversations/${encodeURIComponent(conversation)}/turns/${encodeURIComponent(answer)}`;
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", headers: { Accept: "text/html" } });
  } catch {
    throw unreachable();
  }
  const html = await response.text();
  if (!response.ok) throw problemFrom(response.status, "");
  // Markup of our own server, in which all text of papers is escaped; scripts in it would not run.
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return document.importNode(parsed.querySelector("article.turn"), true);
}

function followMarker(event, link) {
  const card = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!card) return;
  event.preventDefault();
  card.scrollIntoView({ block: "nearest" });
  card.focus({ preventScroll: true });
}

const textOf = (parent, selector) => parent.querySelector(selector)?.textContent.trim() ?? "";

/** The answer and its sources as plain text. */
function plainText(turn) {
  const sentence = (element) => {
    const keys = [...element.querySelectorAll(".cite")].map((cite) => ` ${cite.textContent.trim()}`).join("");
    const copy = element.cloneNode(true);
    for (const mark of copy.querySelectorAll(".cites, .unsupported-mark")) mark.remove();
    // What is read from the catalog needs no source.
    return copy.textContent.replace("\u2060", "").trim() + (keys || (element.matches(".unsupported") ? " [no source]" : ""));
  };
  const sentences = (part) => [...part.querySelectorAll(".sentence")].map(sentence).join(" ");
  const row = (element) => [...element.children].map((cell) => sentences(cell) || cell.textContent.trim()).join("\t");
  const paragraphs = [...turn.querySelectorAll(".answer-part, .answer-text, .comparison tr")].map((part) => {
    if (part.matches("tr")) return row(part);
    return part.matches(".answer-part") ? part.textContent.trim() : sentences(part);
  });
  const sources = [...turn.querySelectorAll(".source")].map((source) => {
    const by = textOf(source, ".source-by");
    return `[${source.dataset.key}] ${[by, textOf(source, ".source-title"), textOf(source, ".source-file")].filter(Boolean).join(", ")}`;
  });
  return [...paragraphs, "", ...sources].join("\n");
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(plainText(button.closest(".turn")));
    button.textContent = "Copied";
  } catch {
    button.replaceWith(h("span", { class: "hint" }, "The browser did not allow copying"));
  }
}

/** Makes markers and buttons of all turns work, now and later. */
export function watchTurns() {
  document.addEventListener("click", (event) => {
    const marker = event.target.closest("a.cite");
    if (marker) return followMarker(event, marker);
    const button = event.target.closest(".copy-answer");
    if (button) copy(button);
  });
}
