// Server-sent events over fetch (EventSource cannot POST). The parser follows the HTML standard,
// section 9.2.6: lines end in LF, CR or CRLF, chunks may split anywhere, `data:` lines are joined
// by newlines, comments are skipped and an event without data is dropped.

/** Cuts text into events, however it arrives. */
export class EventParser {
  #line = "";
  #skipLineFeed = false;
  #event = "";
  #data = null;
  #onEvent;

  /** @param {(event: string, data: string) => void} onEvent */
  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  push(text) {
    if (text === "") return;
    // The LF of a CRLF that was cut in two must not count as a second, empty line.
    if (this.#skipLineFeed && text.startsWith("\n")) text = text.slice(1);
    this.#skipLineFeed = text.endsWith("\r");
    const lines = (this.#line + text).split(/\r\n|\n|\r/);
    this.#line = lines.pop();
    for (const line of lines) this.#take(line);
  }

  #take(line) {
    if (line === "") {
      if (this.#data !== null) this.#onEvent(this.#event || "message", this.#data);
      this.#event = "";
      this.#data = null;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    if (field === "data") this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
  }
}

/** Reads a response to its end, calling `onEvent(name, data)` for each event. */
export async function readEvents(response, onEvent) {
  const parser = new EventParser(onEvent);
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parser.push(decoder.decode(value, { stream: true }));
  }
  parser.push(decoder.decode());
}
