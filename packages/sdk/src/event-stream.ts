import { defined, isStackyardError, StackyardError } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/core/api";
import { backoffMs, type HttpClient, StackyardApiError, sleep } from "./http-client.ts";

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

/** What to watch. */
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

/** A server sends something at least every 15 s; silence for three times that means that the connection is dead. */
export const SILENCE_MS = 45_000;

/**
 * Follows the history over any number of connections: each continues after the last entry. Ends when the signal is
 * aborted; throws permanent errors, such as an invalid token.
 */
export async function* followHistory(http: HttpClient, options: WatchOptions): AsyncGenerator<WatchSignal> {
  const { stackId, signal = new AbortController().signal } = options;
  const state = { since: options.since, failures: 0, retryMs: 0 };
  while (!signal.aborted) {
    try {
      for await (const event of connect(http, { stackId, since: state.since, signal })) {
        Object.assign(state, { since: event.position, failures: 0, retryMs: event.retryMs ?? state.retryMs });
        yield event.signal;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
    }
    state.failures += 1;
    await sleep(pauseMs(state), signal);
  }
}

/** Returns the pause before the next connection: the server's after a clean end, else an increasing backoff. */
export function pauseMs({ failures, retryMs }: { readonly failures: number; readonly retryMs: number }): number {
  return Math.max(failures === 1 ? retryMs * Math.random() : 0, backoffMs(failures));
}

interface Connection {
  readonly stackId: string | undefined;
  readonly since: number | undefined;
  readonly signal: AbortSignal;
}

interface Received {
  readonly signal: WatchSignal;
  readonly position: number;
  readonly retryMs: number | undefined;
}

async function* connect(http: HttpClient, { stackId, since, signal }: Connection): AsyncGenerator<Received> {
  const watchdog = createWatchdog(SILENCE_MS);
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (since !== undefined) headers["last-event-id"] = String(since);
    const request = { path: ["v1", "watch"], query: { stackId }, signal: AbortSignal.any([signal, watchdog.signal]) };
    const { body } = await http.openStream(request, headers);
    if (body === null) throw new StackyardError("UNREACHABLE", "The server returned no stream.");
    for await (const { name, data, retryMs } of readEventStream(body, watchdog.feed)) {
      const parsed = parseSignal(name, data);
      if (parsed !== undefined) yield { signal: parsed, position: positionOf(parsed), retryMs };
    }
  } finally {
    watchdog.stop();
  }
}

function parseSignal(name: string, data: string): WatchSignal | undefined {
  if (name === "ready") return { kind: "ready", position: (JSON.parse(data) as { position: number }).position };
  return name === "history" ? { kind: "entry", entry: JSON.parse(data) as HistoryEntry } : undefined;
}

function positionOf(signal: WatchSignal): number {
  return signal.kind === "ready" ? signal.position : signal.entry.position;
}

/** Returns whether another connection may succeed. */
export function isPassing(error: unknown): boolean {
  if (error instanceof StackyardApiError) return error.problem.status === 429 || error.problem.status >= 500;
  return !isStackyardError(error) || error.retryable;
}

/** Aborts its signal unless it is fed in time. */
export interface Watchdog {
  readonly signal: AbortSignal;
  /** Begins the time anew. */
  feed(): void;
  stop(): void;
}

/** Creates a watchdog that aborts its signal after so much silence. */
export function createWatchdog(ms: number): Watchdog {
  const controller = new AbortController();
  const bark = () => controller.abort(new Error("The stream fell silent."));
  let timer = setTimeout(bark, ms);
  return {
    signal: controller.signal,
    feed() {
      clearTimeout(timer);
      timer = setTimeout(bark, ms);
    },
    stop: () => clearTimeout(timer),
  };
}
