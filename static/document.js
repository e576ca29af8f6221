// A document's own page: deleting it leads back to the library.

import { localDate } from "./dom.js";
import { watchDeletes } from "./delete.js";

for (const time of document.querySelectorAll("time")) time.textContent = localDate(time.dateTime);
watchDeletes(() => location.assign("/library"));
