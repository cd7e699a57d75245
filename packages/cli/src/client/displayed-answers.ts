/** What a terminal or a reader would take for layout: controls, ends of lines, and what turns the direction of text. */
const LAYOUT = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** The same but for tabs and ends of lines. */
const LAYOUT_IN_TEXT = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Values that have lines of their own, such as the error of a tool. Their further lines are indented. */
const TEXTS: ReadonlySet<string> = new Set(["description", "message", "errorMessage"]);
/** Values that are printed alone and byte for byte. */
const DOCUMENTS: ReadonlySet<string> = new Set(["source"]);
const INDENT = "    ";

/**
 * Returns a `fetch` for commands that print for people: in each JSON answer, and each event of a stream, names and values
 * are one line each, and what a terminal would obey is escaped so that it is seen. Anyone who may send an event chooses
 * its name and metadata; printed as they are, they could add rows to a table or rewrite the screen. Done here, where the
 * server's data enters a command, no template can forget it. With `--json` nothing is changed: JSON escapes by itself.
 */
export function createDisplayFetch(given: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await given(input, init);
    const type = response.headers.get("content-type") ?? "";
    if (response.body === null) return response;
    if (/^text\/event-stream\b/.test(type)) return rebuild(response, response.body.pipeThrough(createLineStream()));
    if (!/^application\/([\w.-]+\+)?json\b/.test(type)) return response;
    return rebuild(response, toDisplayedJson(await response.text()));
  };
}

function rebuild(
  { status, statusText, headers }: Response,
  body: string | ReadableStream<Uint8Array<ArrayBuffer>>,
): Response {
  const kept = new Headers(headers);
  kept.delete("content-length");
  kept.delete("content-encoding");
  return new Response(body, { status, statusText, headers: kept });
}

function toDisplayedJson(text: string): string {
  try {
    return JSON.stringify(toDisplayed(JSON.parse(text), ""));
  } catch {
    return text;
  }
}

function toDisplayed(value: unknown, key: string): unknown {
  if (typeof value === "string") return toDisplayedText(value, key);
  if (Array.isArray(value)) return value.map((each) => toDisplayed(each, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [escapeAll(name, LAYOUT), toDisplayed(each, name)]),
  );
}

function toDisplayedText(text: string, key: string): string {
  if (DOCUMENTS.has(key)) return text;
  if (!TEXTS.has(key)) return escapeAll(text, LAYOUT);
  return escapeAll(text.replaceAll("\r\n", "\n"), LAYOUT_IN_TEXT).replaceAll("\n", `\n${INDENT}`);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escapeAll(text: string, what: RegExp): string {
  return text.replaceAll(what, (sign) => SHORT.get(sign) ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const DATA = /^data: ?/;

/** Server-sent events (HTML, 9.2): the data of each is JSON in one line. */
function createLineStream(): ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  const toLine = (line: string) => (DATA.test(line) ? `data: ${toDisplayedJson(line.replace(DATA, ""))}` : line);
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) controller.enqueue(encoder.encode(lines.map((line) => `${toLine(line)}\n`).join("")));
    },
    flush(controller) {
      if (rest !== "") controller.enqueue(encoder.encode(toLine(rest)));
    },
  });
}
