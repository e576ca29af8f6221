// Asks before deleting a document, naming its file, and deletes it.

import { send } from "./api.js";
import { byId, fill, problemText } from "./dom.js";

/** Makes every `.document-delete` button work, now and later; `onDeleted(id, file)` comes after. */
export function watchDeletes(onDeleted) {
  const dialog = byId("delete-dialog");
  const confirm = byId("delete-confirm");
  const error = byId("delete-error");
  let chosen = null;

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".document-delete");
    if (!button) return;
    chosen = { id: button.dataset.id, file: button.dataset.file };
    byId("delete-file").textContent = chosen.file;
    error.hidden = true;
    confirm.disabled = false;
    dialog.showModal();
  });

  confirm.addEventListener("click", async () => {
    const { id, file } = chosen;
    confirm.disabled = true;
    error.hidden = true;
    try {
      await send("DELETE", `/api/v1/documents/${encodeURIComponent(id)}`);
    } catch (problem) {
      // Someone else was faster: it is gone, which is what was asked for.
      if (problem.status !== 404) {
        fill(error, problemText(problem));
        error.hidden = false;
        confirm.disabled = false;
        return;
      }
    }
    dialog.close();
    onDeleted(id, file);
  });
}
