// The list of papers being added. One request asks for all jobs while any is active; nothing is
// asked when none is.

import { request, requestAll } from "./api.js";
import { byId, fill, plural, problemText } from "./dom.js";
import { JobRow } from "./job_row.js";

const POLL_MS = 700;
const SLOWEST_POLL_MS = 15_000;
/** Jobs that dropped off the server's list are asked for one by one, so many at a time. */
const SINGLES_PER_POLL = 5;
const REMEMBERED = 500;
const KEY = "lectern.jobs";

const isActive = (job) => job.state === "queued" || job.state === "running";

/** The jobs that this tab started, so that their results are still shown after a reload. */
function rememberedIds() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(KEY)) ?? []);
  } catch {
    return new Set();
  }
}

function remember(ids) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...ids].slice(-REMEMBERED)));
  } catch {
    // Only the running jobs are shown after a reload, then.
  }
}

export class JobBoard {
  #rows = new Set();
  #byJob = new Map();
  #mine = rememberedIds();
  #timer = null;
  #polling = false;
  #delay = POLL_MS;
  #onFinished;

  /** @param {(row: JobRow) => void} onFinished called for each job that ends while this page is open */
  constructor(onFinished) {
    this.#onFinished = onFinished;
    byId("jobs-clear").addEventListener("click", () => this.#clearFinished());
    byId("jobs-cancel-all").addEventListener("click", () => this.#cancelAll());
  }

  /** Shows the jobs that are under way already, and the results of those this tab started. */
  async start() {
    await this.#poll(true);
  }

  /** Adds a line for a file that is to be uploaded. */
  add(file) {
    const row = new JobRow(file);
    this.#rows.add(row);
    byId("jobs").append(row.element);
    return row;
  }

  /** The upload of this row is over: from here on its job is followed. */
  follow(row, job) {
    row.onCancel = () => this.#cancel(row);
    // A poll may have seen the job before the answer to the upload came.
    const twin = this.#byJob.get(job.id);
    if (twin && twin !== row) {
      twin.element.remove();
      this.#rows.delete(twin);
    }
    this.#byJob.set(job.id, row);
    this.#mine.add(job.id);
    remember(this.#mine);
    this.#update(row, job);
    this.#schedule();
  }

  #update(row, job) {
    if (row.update(job)) this.#onFinished(row);
  }

  #schedule() {
    if (this.#timer !== null || this.#polling) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#poll(false);
    }, this.#delay);
  }

  async #poll(first) {
    this.#polling = true;
    try {
      const { jobs, next_cursor: more } = await request("GET", "/api/v1/jobs?limit=500");
      const listed = new Set(jobs.map((job) => job.id));
      // After many uploads at once, those that are worked on first are the last of the list.
      if (more) {
        const unfinished = await requestAll("/api/v1/jobs?unfinished=true", "jobs");
        jobs.push(...unfinished.filter((job) => !listed.has(job.id)));
        for (const job of unfinished) listed.add(job.id);
      }
      // Oldest first, so that the lines stand in the order in which the files were added.
      for (const job of jobs.toReversed()) this.#take(job, first);
      const missing = [...this.#byJob].filter(([id, row]) => row.phase !== "finished" && !listed.has(id));
      for (const [id, row] of missing.slice(0, SINGLES_PER_POLL)) await this.#ask(id, row);
      this.#delay = POLL_MS;
      byId("jobs-error").hidden = true;
    } catch (problem) {
      this.#delay = Math.min(this.#delay * 2, SLOWEST_POLL_MS);
      this.#complain(problem);
    } finally {
      this.#polling = false;
    }
    this.refresh();
    const active = [...this.#byJob.values()].some((row) => row.phase !== "finished");
    if (active || !byId("jobs-error").hidden) this.#schedule();
  }

  #take(job, first) {
    const row = this.#byJob.get(job.id);
    if (row) return this.#update(row, job);
    if (!isActive(job) && !(first && this.#mine.has(job.id))) return;
    const added = this.add(job.file);
    added.onCancel = () => this.#cancel(added);
    this.#byJob.set(job.id, added);
    added.update(job);
  }

  async #ask(id, row) {
    try {
      const { job } = await request("GET", `/api/v1/jobs/${encodeURIComponent(id)}`);
      this.#update(row, job);
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      row.finish("failed", { message: "Lectern no longer knows about this file.", hint: "Add it again if it is not listed below." });
    }
  }

  async #cancel(row) {
    try {
      const { job } = await request("POST", `/api/v1/jobs/${encodeURIComponent(row.jobId)}/cancel`);
      this.#update(row, job);
      this.#schedule();
    } catch (problem) {
      row.cancel.disabled = false;
      this.#complain(problem);
    }
    this.refresh();
  }

  async #cancelAll() {
    // Those that wait for their upload go first: otherwise they would move up as others end.
    const open = [...this.#rows].filter((row) => row.phase !== "finished");
    const order = (row) => (row.phase === "waiting" ? 0 : 1);
    for (const row of open.sort((a, b) => order(a) - order(b))) {
      row.cancel.disabled = true;
      await row.onCancel();
    }
    this.refresh();
  }

  #clearFinished() {
    for (const row of [...this.#rows].filter((row) => row.phase === "finished")) {
      row.element.remove();
      this.#rows.delete(row);
      this.#mine.delete(row.jobId);
      if (row.jobId) this.#byJob.delete(row.jobId);
    }
    remember(this.#mine);
    this.refresh();
    byId("documents-title").scrollIntoView({ block: "nearest" });
  }

  #complain(problem) {
    const notice = byId("jobs-error");
    fill(notice, problemText(problem));
    notice.hidden = false;
    byId("jobs-section").hidden = false;
  }

  /** The line above the list: how far all of it is. */
  refresh() {
    const rows = [...this.#rows];
    const finished = rows.filter((row) => row.phase === "finished");
    const open = rows.length - finished.length;
    const tally = (...outcomes) => finished.filter((row) => outcomes.includes(row.outcome)).length;
    const counts = [
      [tally("added", "replaced"), "added"],
      [tally("unchanged"), "already there"],
      [tally("needs_ocr"), "without text"],
      [tally("failed"), "failed"],
      [tally("cancelled"), "cancelled"],
    ];
    const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count.toLocaleString()} ${what}`);
    byId("jobs-section").hidden = rows.length === 0 && byId("jobs-error").hidden;
    byId("jobs-title").textContent = open > 0 ? `Adding ${plural(open, "file")}` : "Finished";
    byId("jobs-summary").textContent = parts.join(", ");
    byId("jobs-clear").hidden = finished.length === 0;
    byId("jobs-cancel-all").hidden = open < 2;
  }
}
