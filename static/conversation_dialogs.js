// Renaming and deleting a conversation, each in a dialog.

import { request, send } from "./api.js";
import { byId, fill, problemText } from "./dom.js";

const addressOf = (id) => `/api/v1/conversations/${encodeURIComponent(id)}`;

function report(element, problem) {
  fill(element, problemText(problem));
  element.hidden = false;
}

/** Returns what opens the dialog for a conversation; `onRenamed(title)` comes after. */
export function renameDialog(onRenamed) {
  const dialog = byId("rename-dialog");
  const title = byId("rename-title");
  const confirm = byId("rename-confirm");
  const error = byId("rename-error");
  let chosen = null;

  async function rename() {
    confirm.disabled = true;
    error.hidden = true;
    try {
      const renamed = await request("PATCH", addressOf(chosen), { json: { title: title.value } });
      dialog.close();
      onRenamed(renamed.title);
    } catch (problem) {
      report(error, problem);
    } finally {
      confirm.disabled = false;
    }
  }
  confirm.addEventListener("click", rename);
  title.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    rename();
  });
  return (id, current) => {
    chosen = id;
    error.hidden = true;
    title.value = current;
    dialog.showModal();
    title.select();
  };
}

/** Returns what opens the dialog for a conversation; `onDeleted(id)` comes after. */
export function deleteDialog(onDeleted) {
  const dialog = byId("forget-dialog");
  const confirm = byId("forget-confirm");
  const error = byId("forget-error");
  let chosen = null;

  confirm.addEventListener("click", async () => {
    confirm.disabled = true;
    error.hidden = true;
    try {
      await send("DELETE", addressOf(chosen));
    } catch (problem) {
      // Someone else was faster: it is gone, which is what was asked for.
      if (problem.status !== 404) {
        report(error, problem);
        confirm.disabled = false;
        return;
      }
    }
    confirm.disabled = false;
    dialog.close();
    onDeleted(chosen);
  });
  return (id, title) => {
    chosen = id;
    error.hidden = true;
    byId("forget-title").textContent = title;
    dialog.showModal();
  };
}
