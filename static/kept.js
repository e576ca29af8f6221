// The last answer, kept in this tab only. Deleting a document forgets an answer that quotes it.

const KEY = "lectern.answer";

export function keepAnswer(kept) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage is full or switched off: coming back shows an empty box, nothing worse.
  }
}

export function keptAnswer() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function forgetAnswer() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

/** Forgets the answer if anything of this document is in it. */
export function forgetDocument(documentId) {
  const kept = keptAnswer();
  const parts = [...(kept?.answer?.citations ?? []), ...(kept?.passages ?? [])];
  if (parts.some((part) => part.document_id === documentId)) forgetAnswer();
}
