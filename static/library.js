// The library page: choosing or dropping papers, following their jobs, and the list of documents.

import { request } from "./api.js";
import { byId, fill, plural, problemText } from "./dom.js";
import { watchDeletes } from "./delete.js";
import { DocumentList } from "./documents.js";
import { JobBoard } from "./jobs.js";
import { droppedFiles, isPaper, UploadQueue } from "./uploads.js";

const NAMED = 5;

const list = new DocumentList();
const status = byId("library-status");
const dropZone = byId("drop-zone");
const input = byId("file-input");

const board = new JobBoard((row) => {
  status.textContent = `${row.file}: ${row.result.firstElementChild.textContent}`;
  if (row.outcome !== "cancelled") list.refresh();
});
const uploads = new UploadQueue(board);

const READ = "Lectern reads PDF, Markdown, text, HTML, DOCX, JATS and TEI files.";

/** Says which files are in no format that is read; they are not sent. */
function reject(files) {
  const notice = byId("rejected");
  notice.hidden = files.length === 0;
  if (files.length === 0) return;
  const names = files.slice(0, NAMED).map((file) => `“${file.name}”`).join(", ");
  const others = files.length > NAMED ? ` and ${plural(files.length - NAMED, "other")}` : "";
  notice.textContent =
    files.length === 1
      ? `${names} is in no format that Lectern reads, so it was not added. ${READ}`
      : `${files.length} files are in no format that Lectern reads, so they were not added: ${names}${others}. ${READ}`;
}

function add(files) {
  // Hidden files, such as the ones that systems leave in folders, were not chosen on purpose.
  const visible = files.filter((file) => !file.name.startsWith("."));
  reject(visible.filter((file) => !isPaper(file)));
  const papers = visible.filter(isPaper);
  if (papers.length > 0) uploads.add(papers, byId("collection")?.value);
}

input.addEventListener("change", () => {
  add([...input.files]);
  // So that choosing the same file again is a change again.
  input.value = "";
});

// A file dropped beside the zone counts as well: the browser would leave the page to show it.
let depth = 0;
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  dropZone.classList.add("drop-over");
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (depth === 0) dropZone.classList.remove("drop-over");
});
addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault();
});
addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  dropZone.classList.remove("drop-over");
  try {
    add(await droppedFiles(event.dataTransfer));
  } catch {
    const notice = byId("rejected");
    notice.textContent = "What was dropped could not be read. Choose the files with the button instead.";
    notice.hidden = false;
  }
});

watchDeletes((id, file) => {
  list.remove(id);
  status.textContent = `${file} was deleted`;
});

byId("collection-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = byId("collection-error");
  error.hidden = true;
  try {
    await request("POST", "/api/v1/collections", { json: { name: byId("collection-name").value } });
    location.reload();
  } catch (problem) {
    fill(error, problemText(problem));
    error.hidden = false;
  }
});

board.start();
