// Uploads files, two at a time however many were chosen. XMLHttpRequest, because fetch does not
// report how far an upload has got.

import { csrfToken, problemFrom, unreachable } from "./api.js";

const AT_A_TIME = 2;

export const isPaper = (file) => /\.(pdf|md|markdown|txt|text|html?|xhtml|docx|xml|nxml|tei)$/i.test(file.name) || file.type === "application/pdf";

/** Sends one file; resolves to its job. `onProgress` gets a fraction. */
function upload(file, collection, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const query = collection ? `?collection=${encodeURIComponent(collection)}` : "";
    const http = new XMLHttpRequest();
    http.open("POST", `/api/v1/uploads${query}`);
    http.setRequestHeader("Accept", "application/json");
    http.setRequestHeader("X-CSRF-Token", csrfToken());
    http.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (lengthComputable && total > 0) onProgress(loaded / total);
    });
    http.addEventListener("load", () => {
      if (http.status < 200 || http.status > 299) return reject(problemFrom(http.status, http.responseText));
      try {
        resolve(JSON.parse(http.responseText).job);
      } catch {
        reject(problemFrom(http.status, ""));
      }
    });
    http.addEventListener("error", () => reject(unreachable()));
    http.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
    signal.addEventListener("abort", () => http.abort());
    const form = new FormData();
    form.append("file", file, file.name);
    http.send(form);
  });
}

export class UploadQueue {
  #waiting = [];
  #underWay = 0;
  #board;

  constructor(board) {
    this.#board = board;
    // Leaving the page would drop what has not been sent yet.
    addEventListener("beforeunload", (event) => {
      if (this.#waiting.length + this.#underWay > 0) event.preventDefault();
    });
  }

  add(files, collection) {
    for (const file of files) this.#enqueue({ file, collection, row: this.#board.add(file.name) });
    this.#next();
    this.#board.refresh();
  }

  #enqueue(item) {
    item.row.onCancel = () => {
      this.#waiting = this.#waiting.filter((other) => other !== item);
      item.row.finish("cancelled", { message: "Cancelled" });
      this.#board.refresh();
    };
    this.#waiting.push(item);
  }

  #next() {
    while (this.#underWay < AT_A_TIME && this.#waiting.length > 0) {
      this.#underWay += 1;
      this.#send(this.#waiting.shift()).finally(() => {
        this.#underWay -= 1;
        this.#next();
        this.#board.refresh();
      });
    }
  }

  async #send(item) {
    const { file, collection, row } = item;
    const abort = new AbortController();
    row.onCancel = () => abort.abort();
    row.upload(0);
    try {
      const job = await upload(file, collection, { signal: abort.signal, onProgress: (fraction) => row.upload(fraction) });
      this.#board.follow(row, job);
    } catch (problem) {
      if (problem.name === "AbortError") return row.finish("cancelled", { message: "Cancelled" });
      row.onRetry = () => {
        row.wait();
        this.#enqueue(item);
        this.#next();
        this.#board.refresh();
      };
      row.finish("failed", problem);
    }
  }
}

/** All the files that were dropped, those in folders too. Must be called while the drop is handled. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  const files = [];
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader hands out a folder's entries in batches, and an empty one at the end.
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const child of batch) await collect(child, files);
  }
}
