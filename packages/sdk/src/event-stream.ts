import { defined, isStackyardError, StackyardError } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/core/api";
import { type ApiRequest, backoffMs, type HttpClient, StackyardApiError, sleep } from "./http-client.ts";

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
    ...defined({ id }),
    ...(retry !== undefined && /^\d{1,9}$/.test(retry) ? { retryMs: Number(retry) } : {}),
  };
}

function parseField(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(":");
  if (colon < 0) return { name: line, value: "" };
  return { name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^ /, "") };
}

/** The options of watching. */
export interface WatchOptions {
  readonly stackId?: string;
  /** Go on after this position; without it only what comes from now on. */
  readonly since?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
}

/** `ready` follows every connection: data that was read before it may be old. */
type WatchSignal =
  | { readonly kind: "ready"; readonly position: number }
  | { readonly kind: "entry"; readonly entry: HistoryEntry };

/**
 * Follows the history over any number of connections: each continues after the last entry. Ends when the signal is
 * aborted; throws permanent errors, such as an invalid token.
 */
export function followHistory(http: HttpClient, options: WatchOptions): AsyncGenerator<WatchSignal, void> {
  const { stackId, since, signal = new AbortController().signal } = options;
  return followEvents(http, {
    path: ["v1", "watch"],
    query: { stackId },
    lastEventId: since === undefined ? undefined : String(since),
    signal,
    noStream: "The server returned no stream.",
    parse: parseSignal,
  });
}

function parseSignal({ name, data }: StreamEvent): Parsed<WatchSignal> | undefined {
  if (name === "ready") {
    const { position } = JSON.parse(data) as { position: number };
    return { id: String(position), message: { kind: "ready", position } };
  }
  if (name !== "history") return undefined;
  const entry = JSON.parse(data) as HistoryEntry;
  return { id: String(entry.position), message: { kind: "entry", entry } };
}

/** A message of a stream, and the id with which a later connection continues after it. */
interface Parsed<Message> {
  readonly id: string;
  readonly message: Message;
}

/** Which stream to follow, and what its events mean. */
interface Followed<Message> extends Pick<ApiRequest, "path" | "query"> {
  /** Continues after it. */
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
  /** False to end with the connection, or throw why it was lost. Default true. */
  readonly reconnect?: boolean;
  /** The message of the error for an answer without a body. */
  readonly noStream: string;
  /** Returns undefined for events to skip. */
  readonly parse: (event: StreamEvent) => Parsed<Message> | undefined;
}

/** Follows a stream over any number of connections. Ends when the signal is aborted; throws permanent errors. */
export async function* followEvents<Message>(
  http: HttpClient,
  followed: Followed<Message>,
): AsyncGenerator<Message, void> {
  const { signal, lastEventId, reconnect = true } = followed;
  const progress: Progress = { lastEventId, failures: 0, retryMs: 0 };
  while (!signal.aborted) {
    try {
      yield* connect(http, followed, progress);
    } catch (error) {
      if (!signal.aborted && !(reconnect && isPassing(error))) throw error;
    }
    if (!reconnect) return;
    progress.failures += 1;
    await sleep(pauseMs(progress), signal);
  }
}

/** The progress of a stream and of its connections. */
interface Progress {
  lastEventId: string | undefined;
  /** Connections that have ended since the last message. */
  failures: number;
  /** The server's word on how long to wait before the next connection. */
  retryMs: number;
}

/** Returns the pause before the next connection: the server's after a clean end, else an increasing backoff. */
function pauseMs({ failures, retryMs }: Progress): number {
  return Math.max(failures === 1 ? retryMs * Math.random() : 0, backoffMs(failures));
}

/** A server sends something at least every 15 s; silence for three times that means that the connection is dead. */
const SILENCE_MS = 45_000;

/** Yields the messages of one connection, and notes the progress. */
async function* connect<Message>(
  http: HttpClient,
  { path, query, signal, noStream, parse }: Followed<Message>,
  progress: Progress,
): AsyncGenerator<Message, void> {
  const { lastEventId } = progress;
  const watchdog = createWatchdog(SILENCE_MS);
  try {
    const headers = { accept: "text/event-stream", ...defined({ "last-event-id": lastEventId }) };
    const request = { path, ...defined({ query }), signal: AbortSignal.any([signal, watchdog.signal]) };
    const { body } = await http.openStream(request, headers);
    if (body === null) throw new StackyardError("UNREACHABLE", noStream);
    for await (const event of readEventStream(body, watchdog.feed)) {
      const parsed = parse(event);
      if (parsed === undefined) continue;
      Object.assign(progress, { lastEventId: parsed.id, failures: 0, retryMs: event.retryMs ?? progress.retryMs });
      yield parsed.message;
    }
  } finally {
    watchdog.stop();
  }
}

/** Returns whether another connection may succeed. */
function isPassing(error: unknown): boolean {
  if (error instanceof StackyardApiError) return error.problem.status === 429 || error.problem.status >= 500;
  return !isStackyardError(error) || error.retryable;
}

/** Creates a watchdog that aborts its signal after so much silence: unless it is fed in time. */
function createWatchdog(ms: number) {
  const controller = new AbortController();
  const bark = () => controller.abort(new Error("The stream fell silent."));
  let timer = setTimeout(bark, ms);
  return {
    signal: controller.signal,
    feed(): void {
      clearTimeout(timer);
      timer = setTimeout(bark, ms);
    },
    stop: () => clearTimeout(timer),
  };
}
