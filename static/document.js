// A document's own page: moving it to another collection; deleting it leads back to the library.

import { request } from "./api.js";
import { byId, fill, h, localDate, problemText } from "./dom.js";
import { watchDeletes } from "./delete.js";

for (const time of document.querySelectorAll("time")) time.textContent = localDate(time.dateTime);
watchDeletes(() => location.assign("/library"));

const form = byId("move-form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = byId("move-said");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const to = byId("move-to").value;
    const { status } = await request("POST", `/api/v1/documents/${encodeURIComponent(form.dataset.id)}/move`, { json: { to } });
    if (status === "moved") {
      location.reload();
      return;
    }
    fill(said, h("p", {}, `It is in ${to} already.`));
  } catch (problem) {
    fill(said, problemText(problem));
  }
  said.hidden = false;
  button.disabled = false;
});
