// The training page: the run that goes on, datasets, and starting a run.

import { problemFrom, request, send, unreachable } from "./api.js";
import { byId, fill, h, localDate, problemNotice, problemText } from "./dom.js";
import { readEvents } from "./sse.js";

/** Milliseconds between two looks at a run that goes on. */
const LOOK = 2000;
/** Milliseconds without a change after which an estimate is asked for. */
const PAUSE = 600;

function showDates() {
  for (const time of document.querySelectorAll("time")) time.textContent = localDate(time.dateTime);
}
showDates();

const address = (run, step = "") => `/api/v1/training/runs/${encodeURIComponent(run)}${step}`;

/** The panel of a run as the server draws it now. */
async function fetchPanel(run) {
  let response;
  try {
    response = await fetch(`/training/runs/${encodeURIComponent(run)}/panel`, { credentials: "same-origin", headers: { Accept: "text/html" } });
  } catch {
    throw unreachable();
  }
  const html = await response.text();
  if (!response.ok) throw problemFrom(response.status, "");
  // Markup of our own server, in which all text is escaped; scripts in it would not run.
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return document.importNode(parsed.querySelector(".run-panel"), true);
}

/** Puts a panel in the place of another, with what was unfolded and where the keyboard was. */
function replacePanel(old, panel) {
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  panel.querySelectorAll("details").forEach((one, index) => {
    one.open = open[index] ?? false;
  });
  const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
  old.replaceWith(panel);
  if (focused) [...panel.querySelectorAll("button")].find((one) => one.className === focused)?.focus();
}

async function follow() {
  for (;;) {
    const panel = document.querySelector(".run-panel");
    if (!panel || panel.dataset.state !== "running") return;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (document.hidden) continue;
    try {
      const fresh = await fetchPanel(panel.dataset.run);
      if (!panel.isConnected) continue;
      replacePanel(panel, fresh);
      if (fresh.dataset.state !== "running") {
        byId("training-status").textContent = fresh.querySelector(".run-standing").textContent.trim();
        // What depends on it stands elsewhere on the page: adapters, the form to start the next.
        if (byId("run-form")) location.reload();
      }
    } catch (problem) {
      if (problem.status === 404) return;
      fill(panel.querySelector(".run-error"), h("p", { class: "hint" }, problem.message));
    }
  }
}
follow();

/** Asks twice before something goes that nothing brings back. */
function isSure(button) {
  if (button.dataset.asked === "yes") return true;
  button.dataset.asked = "yes";
  button.textContent = "Delete for good?";
  return false;
}

async function act(button, error, work) {
  fill(error);
  button.disabled = true;
  try {
    await work();
  } catch (problem) {
    button.disabled = false;
    fill(error, h("div", { class: "notice notice-error" }, problemText(problem)));
    if (problem.status === undefined) console.error(problem);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const panel = button.closest(".run-panel");
  if (panel) {
    const error = panel.querySelector(".run-error");
    const run = panel.dataset.run;
    if (button.matches(".run-stop")) act(button, error, () => request("POST", address(run, "/stop")));
    if (button.matches(".run-resume")) {
      act(button, error, async () => {
        await request("POST", address(run, "/resume"));
        location.reload();
      });
    }
    if (button.matches(".run-delete") && isSure(button)) {
      act(button, error, async () => {
        await send("DELETE", address(run));
        location.assign("/training");
      });
    }
  }
  if (button.matches(".dataset-delete") && isSure(button)) {
    act(button, byId("training-error"), async () => {
      await send("DELETE", `/api/v1/datasets/${encodeURIComponent(button.dataset.name)}`);
      location.reload();
    });
  }
});

async function prepare(form) {
  const progress = byId("dataset-progress");
  const bar = byId("dataset-bar");
  const field = (name) => form.elements[name];
  const wanted = {
    name: field("name").value.trim(),
    feedback: field("feedback").checked,
    generate: Number(field("generate").value || 0),
    refusals: Number(field("refusals").value || 0),
    max_tokens: Number(field("max_tokens").value || 1024),
  };
  progress.textContent = "Reading";
  bar.hidden = false;
  bar.removeAttribute("value");
  try {
    const response = await send("POST", "/api/v1/datasets", { json: wanted, accept: "text/event-stream" });
    let made = null;
    let failure = null;
    await readEvents(response, (name, data) => {
      const told = JSON.parse(data);
      if (name === "preparing") {
        progress.textContent = `${told.done} of ${told.total} examples`;
        bar.max = Math.max(1, told.total);
        bar.value = told.done;
      }
      if (name === "dataset") made = told;
      if (name === "error") failure = problemFrom(told.status, data);
    });
    if (failure) throw failure;
    if (!made) throw unreachable();
    location.reload();
  } finally {
    bar.hidden = true;
    progress.textContent = "";
  }
}

byId("dataset-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  act(form.querySelector("[type=submit]"), byId("training-error"), () => prepare(form));
});

/** A value as a person types it: a number, true or false, a list, or a text. */
function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What the form asks for. */
function wantedRun(form) {
  const settings = {};
  for (const input of form.querySelectorAll("[data-setting]")) {
    if (input.value.trim() !== "") settings[input.name] = valueOf(input.value.trim());
  }
  for (const line of form.elements.others.value.split("\n")) {
    const at = line.indexOf("=");
    // A line without a value is told of by the server.
    if (line.trim() !== "") settings[(at < 0 ? line : line.slice(0, at)).trim()] = at < 0 ? "" : valueOf(line.slice(at + 1).trim());
  }
  const steps = form.elements.max_steps.value;
  return {
    dataset: form.elements.dataset.value,
    recipe: form.elements.recipe.value,
    name: form.elements.name.value.trim() || undefined,
    max_steps: steps ? Number(steps) : undefined,
    from: form.elements.from?.value || undefined,
    settings,
  };
}

const plain = (number) => number.toLocaleString(undefined, { maximumSignificantDigits: 3 });

/** Bytes for people. */
const size = (bytes) => (bytes < 1e9 ? `${plain(bytes / 1e6)} MB` : `${plain(bytes / 1e9)} GB`);

/** Seconds for people. */
function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${plain(seconds / 3600)} hours`;
}

let asked = 0;

async function estimate(form) {
  const place = byId("run-estimate");
  const mine = ++asked;
  const { dataset, recipe, max_steps: steps, from, settings } = wantedRun(form);
  if (!dataset) return;
  const query = new URLSearchParams({ dataset, recipe });
  if (steps) query.set("max_steps", steps);
  if (from) query.set("from", from);
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  query.set("settings", lines.join("\n"));
  fill(place, h("p", { class: "hint" }, "Estimating time and memory"));
  try {
    const plan = await request("GET", `/api/v1/training/estimate?${query}`);
    if (mine !== asked) return;
    fill(
      place,
      h("p", {}, h("strong", {}, `About ${duration(plan.seconds)} and ${size(plan.memory_bytes)} of memory`), plan.timed ? ", as an earlier run took." : ", as a short measurement says; it may be twice that."),
      h("p", { class: "hint" }, `${plain(plan.examples)} examples, ${plain(plan.eval_examples)} held out; ${plain(plan.steps)} steps; ${plain(plan.parameters)} numbers trained${plan.from ? `, from the adapter ${plan.from} on` : ""}.`),
      plan.warnings.map((warning) => h("p", { class: "hint" }, `Note: ${warning}.`)),
    );
  } catch (problem) {
    if (mine === asked) fill(place, problemNotice(problem));
  }
}

const runForm = byId("run-form");
if (runForm) {
  let timer = null;
  runForm.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => estimate(runForm), PAUSE);
  });
  // Not `dataset.running`: the form has a field of that name, which stands in front.
  if (!runForm.hasAttribute("data-running")) estimate(runForm);
  runForm.addEventListener("submit", (event) => {
    event.preventDefault();
    act(byId("run-start"), byId("run-error"), async () => {
      await request("POST", "/api/v1/training/runs", { json: wantedRun(runForm) });
      location.assign("/training");
    });
  });
}
