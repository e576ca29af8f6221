// Talks to Lectern's JSON API. Failures become a Problem, with a message and a hint fit to be shown.

/** What went wrong, in the terms of RFC 9457: `message` is the detail, `hint` says what to do. */
export class Problem extends Error {
  constructor({ title, detail, hint, status, code } = {}) {
    super(detail || title || "Something went wrong.");
    this.hint = hint ?? null;
    this.status = status ?? 0;
    this.code = code ?? null;
  }
}

/** The token that every change must carry. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** Reads a failed answer; bodies that aren't problem+json still give a usable message. */
export function problemFrom(status, body) {
  let fields = {};
  try {
    fields = JSON.parse(body) ?? {};
  } catch {
    // Not from Lectern's own error path, for example a proxy's page.
  }
  if (!fields.detail && !fields.title) {
    fields.detail = status === 413 ? "The file is larger than this Lectern accepts." : `Lectern answered with status ${status}.`;
  }
  if (status === 401 && !fields.hint) fields.hint = "Reload the page to sign in again.";
  return new Problem({ ...fields, status });
}

/** What a request that got no answer at all means. */
export function unreachable() {
  return new Problem({
    detail: "Lectern could not be reached.",
    hint: "Check that it is still running, then try again.",
    code: "unreachable",
  });
}

/** Sends a request; resolves to the Response when it is a success, and throws a Problem otherwise. */
export async function send(method, path, { json, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal,
      body: json === undefined ? undefined : JSON.stringify(json),
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!response.ok) throw problemFrom(response.status, await response.text().catch(() => ""));
  return response;
}

/** As `send`, and reads the JSON of the answer. */
export async function request(method, path, options) {
  const response = await send(method, path, options);
  return response.status === 204 ? null : response.json();
}

/** All records of a list that is given in parts; `name` is the field that holds them. */
export async function requestAll(path, name) {
  const records = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: 1000, ...(cursor && { cursor }) });
    const part = await request("GET", `${path}${path.includes("?") ? "&" : "?"}${query}`);
    records.push(...part[name]);
    cursor = part.next_cursor;
  } while (cursor);
  return records;
}
