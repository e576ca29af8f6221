// The list of documents: the server writes the rows, this filters them and keeps them up to date.

import { requestAll } from "./api.js";
import { byId, localDate, plural } from "./dom.js";

/** Rows shown at once; thousands of them would make every keystroke in the filter slow. */
const STEP = 200;
const QUIET_MS = 2_500;

const joined = (authors) => (authors.length > 4 ? `${authors.slice(0, 3).join(", ")} et al.` : authors.join(", "));

export class DocumentList {
  #body = byId("documents").tBodies[0];
  #template = byId("document-row-template");
  #rows = new Map();
  #text = new WeakMap();
  #limit = STEP;
  #refreshing = null;
  #again = false;

  constructor() {
    for (const row of this.#body.rows) {
      const time = row.querySelector("time");
      time.textContent = localDate(time.dateTime);
      this.#rows.set(row.dataset.id, row);
    }
    byId("filter").addEventListener("input", () => {
      this.#limit = STEP;
      this.#show();
    });
    byId("documents-more").addEventListener("click", () => {
      this.#limit += STEP;
      this.#show();
    });
    this.#show();
  }

  /** Asks for the list again; calls in quick succession, as when many jobs end, become one. */
  async refresh() {
    if (this.#refreshing) {
      this.#again = true;
      return;
    }
    this.#refreshing = true;
    try {
      this.#reconcile(await requestAll("/api/v1/documents", "documents"));
    } catch {
      // The list on screen stays; the next finished job, or a reload, asks again.
    }
    setTimeout(() => {
      this.#refreshing = null;
      if (this.#again) {
        this.#again = false;
        this.refresh();
      }
    }, QUIET_MS);
  }

  /** Takes a row out, and moves the focus to where the reader would go on. */
  remove(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.#rows.delete(id);
    this.#show();
    (next?.querySelector(".document-delete") ?? byId("file-input")).focus();
  }

  #reconcile(documents) {
    const kept = new Set(documents.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    documents.forEach((entry, index) => {
      let row = this.#rows.get(entry.id);
      if (!row) {
        row = this.#template.content.firstElementChild.cloneNode(true);
        this.#rows.set(entry.id, row);
      }
      this.#write(row, entry);
      if (this.#body.rows[index] !== row) this.#body.insertBefore(row, this.#body.rows[index] ?? null);
    });
    this.#show();
  }

  #write(row, entry) {
    const field = (name) => row.querySelector(`[data-field="${name}"]`);
    const put = (name, text) => {
      if (field(name).textContent !== text) field(name).textContent = text;
    };
    row.dataset.id = entry.id;
    row.dataset.file = entry.file;
    put("title", entry.title?.trim() ? entry.title : entry.file);
    field("title").href = `/documents/${encodeURIComponent(entry.id)}`;
    field("badge").hidden = entry.status !== "needs_ocr";
    put("authors", joined(entry.authors ?? []));
    put("year", String(entry.year ?? ""));
    put("file", entry.file);
    put("pages", String(entry.pages ?? ""));
    field("added").dateTime = entry.added_at;
    put("added", localDate(entry.added_at));
    const button = row.querySelector(".document-delete");
    button.dataset.id = entry.id;
    button.dataset.file = entry.file;
    put("delete-label", `Delete ${entry.file}`);
    this.#text.delete(row);
  }

  #matches(row, words) {
    if (words.length === 0) return true;
    if (!this.#text.has(row)) {
      const cells = ["title", "authors", "year", "file"].map((name) => row.querySelector(`[data-field="${name}"]`).textContent);
      this.#text.set(row, cells.join(" ").toLocaleLowerCase());
    }
    const text = this.#text.get(row);
    return words.every((word) => text.includes(word));
  }

  #show() {
    const words = byId("filter").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let matching = 0;
    for (const row of this.#body.rows) {
      const matches = this.#matches(row, words);
      if (matches) matching += 1;
      row.hidden = !matches || matching > this.#limit;
    }
    const all = this.#rows.size;
    byId("documents").hidden = matching === 0;
    byId("documents-empty").hidden = all > 0;
    byId("documents-none").hidden = all === 0 || matching > 0;
    byId("filter-field").hidden = all === 0;
    byId("documents-count").textContent = all === 0 ? "" : words.length > 0 ? `${matching.toLocaleString()} of ${all.toLocaleString()}` : all.toLocaleString();
    const more = byId("documents-more");
    const left = matching - this.#limit;
    more.hidden = left <= 0;
    more.textContent = left > 0 ? `Show ${plural(Math.min(left, STEP), "more", "more")} of ${left.toLocaleString()}` : "";
  }
}
