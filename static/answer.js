// Draws an answer: its sentences, each linked to the sources that support it, and the source cards.

import { append, fill, h, plural } from "./dom.js";

/** Longer quotes would make the address of the page view too long for some servers. */
const LONGEST_QUOTE = 1500;

const firstLetters = (text, count) => [...text].slice(0, count).join("");

/** The page view, with the quote marked and scrolled to. */
export function pageAddress(documentId, page, quote) {
  const path = `/documents/${encodeURIComponent(documentId)}/pages/${page}`;
  const short = firstLetters((quote ?? "").trim(), LONGEST_QUOTE);
  return short ? `${path}?q=${encodeURIComponent(short)}#quote` : path;
}

const pdfAddress = (documentId, page) => `/documents/${encodeURIComponent(documentId)}/file#page=${page}`;

const titleOf = ({ title, file }) => (title?.trim() ? title : file);

function byline({ authors, year }) {
  const names = Array.isArray(authors) ? authors : authors ? [authors] : [];
  const shown = names.length > 3 ? `${names[0]} et al.` : names.join(", ");
  return [shown, year].filter(Boolean).join(", ");
}

function pageLinks({ document_id, page, file }, quote) {
  return h(
    "p",
    { class: "source-links" },
    h("a", { class: "source-page", href: pageAddress(document_id, page, quote) }, `Page ${page}`),
    // Other formats are downloaded, not shown at a page.
    /\.pdf$/i.test(file ?? ".pdf") && h("a", { class: "source-pdf", href: pdfAddress(document_id, page), target: "_blank", rel: "noopener" }, `PDF, page ${page}`),
  );
}

function sourceCard(citation) {
  const by = byline(citation);
  return h(
    "li",
    { class: "source", id: `source-${citation.key}`, tabindex: "-1", data: { key: citation.key } },
    h("p", { class: "source-key" }, h("span", { class: "visually-hidden" }, "Source "), String(citation.key)),
    h(
      "div",
      { class: "source-body" },
      h("h3", { class: "source-title", dir: "auto" }, titleOf(citation)),
      by && h("p", { class: "source-by", dir: "auto" }, by),
      h("blockquote", { class: "source-quote", dir: "auto" }, citation.quote),
      h("p", { class: "source-file" }, h("bdi", {}, citation.file), `, page ${citation.page}`),
      pageLinks(citation, citation.quote),
    ),
  );
}

function passageCard(passage) {
  return h(
    "li",
    { class: "passage" },
    h("h3", { class: "source-title", dir: "auto" }, titleOf(passage)),
    h("p", { class: "passage-text", dir: "auto" }, passage.text ?? ""),
    pageLinks(passage, passage.text),
  );
}

const passageList = (passages) => h("ol", { class: "passage-list" }, passages.map(passageCard));

/** The passages on their own, under a heading that says what they are. */
export function showPassages(sources, heading, passages) {
  if (passages.length === 0) return fill(sources);
  fill(sources, h("h2", {}, heading), passageList(passages));
}

function citationLink(citation) {
  const link = h(
    "a",
    { class: "cite", href: `#source-${citation.key}`, "aria-label": `Source ${citation.key}: ${titleOf(citation)}, page ${citation.page}` },
    `[${citation.key}]`,
  );
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const card = document.getElementById(`source-${citation.key}`);
    card?.scrollIntoView({ block: "nearest" });
    card?.focus({ preventScroll: true });
  });
  return link;
}

function sentenceElement(sentence, citations) {
  const cited = (sentence.citations ?? []).map((key) => citations.get(key)).filter(Boolean);
  // The word joiner keeps the numbers on the line of the last word.
  const marks = cited.length > 0 && ["\u2060", h("sup", { class: "cites" }, cited.map(citationLink))];
  if (sentence.supported) {
    return h("span", { class: "sentence" }, sentence.text.trim(), marks);
  }
  const why = "No source supports this sentence";
  return h(
    "span",
    { class: "sentence unsupported", title: why },
    h("span", { class: "unsupported-text" }, sentence.text.trim()),
    h("span", { class: "unsupported-mark" }, h("span", { "aria-hidden": "true" }, "no source"), h("span", { class: "visually-hidden" }, `(${why})`)),
    marks,
  );
}

/** One paragraph for each that the answer has: the sentences alone don't say where lines break. */
function paragraphs(answer, citations) {
  const whole = answer.answer ?? "";
  const made = [];
  let at = 0;
  for (const sentence of answer.sentences ?? []) {
    const text = sentence.text.trim();
    const start = whole.indexOf(text, at);
    const breaks = start >= 0 && whole.slice(at, start).includes("\n");
    if (start >= 0) at = start + text.length;
    if (made.length === 0 || breaks) made.push(h("p", { class: "answer-text", dir: "auto" }));
    const paragraph = made.at(-1);
    append(paragraph, [paragraph.childNodes.length > 0 && " ", sentenceElement(sentence, citations)]);
  }
  return made;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toLocaleString(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
}

function madeBy({ model, timings_ms }) {
  const total = timings_ms?.total;
  const parts = [];
  if (model?.id === "extractive") parts.push("Made of quotes only: every sentence is copied from your papers.");
  else if (model?.id) parts.push(`Written by ${model.id}${model.adapter ? ` with ${model.adapter}` : ""}.`);
  if (Number.isFinite(total)) parts.push(`Took ${seconds(total)}.`);
  return parts.length > 0 && h("p", { class: "answer-meta" }, parts.join(" "));
}

function copyButton(answer) {
  const button = h("button", { class: "button button-quiet", type: "button" }, "Copy with sources");
  button.addEventListener("click", async () => {
    const cites = ({ citations = [] }) => citations.map((key) => ` [${key}]`).join("");
    const text = answer.sentences.map((sentence) => sentence.text.trim() + (cites(sentence) || " [no source]")).join(" ");
    const list = answer.citations.map((source) => `[${source.key}] ${[byline(source), titleOf(source), `page ${source.page}`].filter(Boolean).join(", ")} (${source.file})`);
    try {
      await navigator.clipboard.writeText([text, "", ...list].join("\n"));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser did not allow copying";
    }
  });
  return button;
}

function showUnanswered(answerElement, sources, answer, passages) {
  fill(
    answerElement,
    h("h2", { class: "asked", dir: "auto" }, answer.question),
    h(
      "div",
      { class: "notice insufficient" },
      h("p", {}, h("strong", {}, "Your papers don’t hold enough evidence to answer this.")),
      h("p", {}, passages.length > 0 ? "The passages that come nearest are listed here. Other words, or more papers, may help." : "Nothing in them comes near. Other words, or more papers, may help."),
    ),
    madeBy({ timings_ms: answer.timings_ms }),
  );
  showPassages(sources, "Nearest passages", passages);
}

/** Draws a finished answer in place of whatever was streamed. */
export function showAnswer(answerElement, sources, answer, passages) {
  const cited = answer.citations ?? [];
  if (answer.outcome === "insufficient_evidence") {
    const nearest = passages.length > 0 ? passages : cited.map((citation) => ({ ...citation, text: citation.quote }));
    return showUnanswered(answerElement, sources, answer, nearest);
  }
  const citations = new Map(cited.map((citation) => [citation.key, citation]));
  const unsupported = answer.sentences.filter((sentence) => !sentence.supported).length;
  fill(
    answerElement,
    h("h2", { class: "asked", dir: "auto" }, answer.question),
    paragraphs(answer, citations),
    unsupported > 0 &&
      h("p", { class: "legend" }, h("span", { class: "unsupported-mark" }, "no source"), unsupported === 1 ? " marks a sentence that no source supports: check it before you rely on it." : " marks sentences that no source supports: check them before you rely on them."),
    h("div", { class: "answer-foot" }, madeBy(answer), copyButton(answer)),
  );
  const pages = new Set(cited.map(({ document_id, page }) => `${document_id} ${page}`));
  const others = passages.filter(({ document_id, page }) => !pages.has(`${document_id} ${page}`));
  fill(
    sources,
    cited.length > 0 && [h("h2", {}, "Sources"), h("ol", { class: "source-list" }, cited.map(sourceCard))],
    others.length > 0 && h("details", { class: "also-read" }, h("summary", {}, `Also read: ${plural(others.length, "passage")}`), passageList(others)),
  );
}
