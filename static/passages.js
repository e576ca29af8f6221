// The passages that are being read, shown while the answer is on its way. Finished answers come from
// the server, with their sources.

import { fill, h } from "./dom.js";

/** Longer quotes would make the address of the page view too long for some servers. */
const LONGEST_QUOTE = 1500;

const firstLetters = (text, count) => [...text].slice(0, count).join("");

/** The page view, with the quote marked and scrolled to. */
function pageAddress(documentId, page, quote) {
  const path = `/documents/${encodeURIComponent(documentId)}/pages/${page}`;
  const short = firstLetters((quote ?? "").trim(), LONGEST_QUOTE);
  return short ? `${path}?q=${encodeURIComponent(short)}#quote` : path;
}

const titleOf = ({ title, file }) => (title?.trim() ? title : file);

function passageCard(passage) {
  const { document_id, page, text } = passage;
  return h(
    "li",
    { class: "passage" },
    h("h3", { class: "source-title", dir: "auto" }, titleOf(passage)),
    h("p", { class: "passage-text", dir: "auto" }, text ?? ""),
    h("p", { class: "source-links" }, h("a", { href: pageAddress(document_id, page, text) }, `Page ${page}`)),
  );
}

/** The passages under a heading that says what they are. */
export function showPassages(sources, heading, passages) {
  if (passages.length === 0) return fill(sources);
  fill(sources, h("h2", {}, heading), h("ol", { class: "passage-list" }, passages.map(passageCard)));
}
