import { StackyardError } from "@stackyard/core";

/** One event of a stream. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
  readonly id?: string;
  /** The server's word on how long to wait before the next connection. */
  readonly retryMs?: number;
}

const MAX_LINE_CHARACTERS = 4_194_304;

/** Reads server-sent events (HTML standard, 9.2) from a body. `onAlive` is called for comments too. */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  onAlive: () => void = () => {},
): AsyncGenerator<StreamEvent> {
  let fields: string[] = [];
  for await (const line of readLines(body, onAlive)) {
    if (line !== "") {
      fields.push(line);
      continue;
    }
    const event = parseFields(fields);
    fields = [];
    if (event !== undefined) yield event;
  }
}

async function* readLines(body: ReadableStream<Uint8Array>, onAlive: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  // Not every browser iterates a stream.
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onAlive();
      // A carriage return at the end may be the first half of a line's end.
      const lines = `${rest}${decoder.decode(value, { stream: true })}`.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE_CHARACTERS)
        throw new StackyardError("SERVER_ERROR", "A line of the stream is too long.");
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parseFields(lines: readonly string[]): StreamEvent | undefined {
  const fields = lines.map(parseField);
  const lastOf = (name: string) => fields.findLast((field) => field.name === name)?.value;
  const data = fields.filter(({ name }) => name === "data").map(({ value }) => value);
  const id = lastOf("id");
  const retry = lastOf("retry");
  if (data.length === 0) return undefined;
  return {
    name: lastOf("event") ?? "message",
    data: data.join("\n"),
    ...(id === undefined ? {} : { id }),
    ...(retry !== undefined && /^\d{1,9}$/.test(retry) ? { retryMs: Number(retry) } : {}),
  };
}

function parseField(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(":");
  if (colon < 0) return { name: line, value: "" };
  return { name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^ /, "") };
}
