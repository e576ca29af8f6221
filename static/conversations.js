// The list of conversations: local dates, and deleting one.

import { byId, localDate } from "./dom.js";
import { deleteDialog } from "./conversation_dialogs.js";

for (const time of document.querySelectorAll("time")) time.textContent = localDate(time.dateTime);

const open = deleteDialog((id) => {
  for (const row of document.querySelectorAll(".conversation-row")) {
    if (row.dataset.id === id) row.remove();
  }
  byId("conversations-empty").hidden = document.querySelector(".conversation-row") !== null;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".conversation-forget");
  if (button) open(button.dataset.id, button.dataset.title);
});
