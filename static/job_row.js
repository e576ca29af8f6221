// One line of the list of papers being added: waiting, uploading, then whatever its job does.

import { fill, h, plural } from "./dom.js";

const STAGES = {
  reading: { what: "Reading", unit: "page" },
  recognising: { what: "Recognising the text of", unit: "page" },
  embedding: { what: "Embedding", unit: "passage" },
  indexing: { what: "Indexing", unit: "passage" },
};

const OCR_HINT = "Where its pages are pictures of text, install tesseract on this machine and add the file again.";

function stageText({ stage, done, total }) {
  const known = STAGES[stage];
  if (!known) return "Starting";
  if (!total) return known.what;
  return `${known.what} ${known.unit} ${Math.min(done, total).toLocaleString()} of ${total.toLocaleString()}`;
}

function resultText(result) {
  const size = [plural(result.pages ?? 0, "page"), plural(result.chunks ?? 0, "passage")].join(", ");
  const took = result.ms >= 100 ? `, in ${(result.ms / 1000).toFixed(1)} s` : "";
  switch (result.status) {
    case "added":
      return { message: `Added: ${size}${took}` };
    case "replaced":
      return { message: `Replaced the earlier version: ${size}${took}` };
    case "unchanged":
      return { message: "Already in the library, nothing to do" };
    case "needs_ocr":
      return { message: "No text found in this file.", hint: result.error?.hint ?? OCR_HINT };
    default:
      return { message: result.error?.message ?? "It could not be added.", hint: result.error?.hint };
  }
}

/** Outcomes that the reader should look at. */
const needsAttention = (outcome) => outcome === "failed" || outcome === "needs_ocr";

export class JobRow {
  /** waiting | uploading | queued | running | finished */
  phase = "waiting";
  /** added | replaced | unchanged | needs_ocr | failed | cancelled, once finished */
  outcome = null;
  /** The job's id, once the server has given one. */
  jobId = null;
  /** Called by the cancel button. */
  onCancel = () => {};
  /** Called by the "Try again" button of a failed upload; null where that makes no sense. */
  onRetry = null;

  constructor(file) {
    this.file = file;
    this.text = h("p", { class: "job-text" });
    this.bar = h("progress", { class: "job-bar", max: "1", "aria-label": `Progress of ${file}` });
    this.cancel = h("button", { class: "button button-quiet job-cancel", type: "button" }, "Cancel", h("span", { class: "visually-hidden" }, ` ${file}`));
    this.cancel.addEventListener("click", () => {
      this.cancel.disabled = true;
      this.onCancel();
    });
    this.result = h("div", { class: "job-result", hidden: true });
    this.element = h("li", { class: "job" }, h("p", { class: "job-file", dir: "auto", title: file }, file), this.text, this.cancel, this.bar, this.result);
    this.wait();
  }

  #show(phase, text, fraction) {
    this.phase = phase;
    this.element.dataset.state = phase;
    if (this.text.textContent !== text) this.text.textContent = text;
    if (fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = fraction;
    this.bar.hidden = phase === "waiting" || phase === "queued";
  }

  wait() {
    this.outcome = null;
    this.cancel.hidden = false;
    this.cancel.disabled = false;
    this.text.hidden = false;
    this.result.hidden = true;
    delete this.result.dataset.status;
    this.#show("waiting", "Waiting to upload", 0);
  }

  upload(fraction) {
    const percent = Math.floor(fraction * 100);
    this.#show("uploading", percent < 100 ? `Uploading, ${percent}%` : "Uploaded, handing over", fraction);
  }

  /** Shows what the server says about this row's job; true when this finished it. */
  update(job) {
    this.jobId = job.id;
    this.element.dataset.jobId = job.id;
    if (this.phase === "finished") return false;
    if (job.state === "queued") this.#show("queued", "Waiting to be read", 0);
    else if (job.state === "running") this.#show("running", stageText(job), job.total ? job.done / job.total : null);
    else if (job.state === "cancelled") this.finish("cancelled", { message: "Cancelled" });
    else if (job.result) this.finish(job.result.status, resultText(job.result), job.result);
    else this.finish("failed", { message: "It could not be added.", hint: "Lectern’s log says why." });
    return this.phase === "finished";
  }

  finish(outcome, { message, hint }, result) {
    this.#show("finished", "", 0);
    this.outcome = outcome;
    this.element.dataset.state = needsAttention(outcome) ? "attention" : "finished";
    this.text.hidden = true;
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.result.hidden = false;
    this.result.dataset.status = outcome;
    const warnings = result?.warnings ?? [];
    fill(
      this.result,
      h("p", { dir: "auto" }, message, result?.document_id && [" ", h("a", { href: `/documents/${encodeURIComponent(result.document_id)}` }, "Open")]),
      hint && h("p", { class: "notice-hint", dir: "auto" }, hint),
      warnings.length > 0 &&
        h("details", {}, h("summary", {}, plural(warnings.length, "warning")), h("ul", {}, warnings.map(({ message, page }) => h("li", { dir: "auto" }, page ? `Page ${page}: ${message}` : message)))),
      (result?.duplicates ?? []).map(({ document_id, title }) => h("p", { class: "notice-hint", dir: "auto" }, "Much the same as ", h("a", { href: `/documents/${encodeURIComponent(document_id)}` }, title), "; both are kept.")),
      this.onRetry && this.#retryButton(),
    );
  }

  #retryButton() {
    const button = h("button", { class: "button button-quiet", type: "button" }, "Try again", h("span", { class: "visually-hidden" }, ` with ${this.file}`));
    button.addEventListener("click", () => {
      const retry = this.onRetry;
      this.onRetry = null;
      retry();
    });
    return button;
  }
}
