// Small helpers to build the page. Text always goes in as text: nothing here parses HTML.

document.documentElement.classList.add("scripted");

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * Builds an element: `h("a", { class: "row", href }, "text", child)`.
 * `data` is an object of data attributes; null, undefined and false leave an attribute or child out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Adds text and elements, leaving out what is null, undefined or false. */
export function append(parent, children) {
  parent.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Replaces all the children. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/** "1 page", "2 pages". */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** What failed and what to do about it, as two paragraphs. */
export function problemText({ message, hint }) {
  return [h("p", { dir: "auto" }, message), hint && h("p", { class: "notice-hint", dir: "auto" }, hint)];
}

/** A notice that a screen reader announces. */
export function problemNotice(problem) {
  return h("div", { class: "notice notice-error", role: "alert" }, problemText(problem));
}

/** Local dates in place of the ISO ones that the server wrote. */
export function localDate(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : date.toLocaleDateString(undefined, { dateStyle: "medium" });
}
