import { defined, StackyardError } from "@stackyard/core";
import type { Attempt, Bulk, HistoryEntry } from "@stackyard/core/api";
import { createWatchdog, isPassing, pauseMs, readEventStream, SILENCE_MS } from "./event-stream.ts";
import { type HttpClient, sleep } from "./http-client.ts";

/** The kinds of messages in a stream. */
export type StreamKind = "history" | "progress" | "log" | "bulk";

/** What to follow. */
export interface StreamOptions {
  /** Default: `history`. */
  readonly kinds?: readonly StreamKind[];
  readonly machine?: string;
  readonly idPrefix?: string;
  readonly stackId?: string;
  /** Required for the kind `log`. */
  readonly attemptId?: string;
  /** The id of the last message that was processed: continues history and log after it. */
  readonly lastEventId?: string;
  /** False to end with the connection, or throw why it was lost; the caller reconnects. Default true. */
  readonly reconnect?: boolean;
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
}

/** A part of a log. */
export interface LogPart {
  readonly attemptId: string;
  /** Where it begins, in bytes. */
  readonly offset: number;
  readonly text: string;
  /** The log is complete. */
  readonly ended?: true;
}

/** One message. `ready` follows every connection. Each has the id with which a later stream continues. */
export type StreamMessage =
  | { readonly kind: "ready"; readonly id: string; readonly position: number }
  | { readonly kind: "history"; readonly id: string; readonly entry: HistoryEntry }
  | { readonly kind: "progress"; readonly id: string; readonly attempt: Attempt & { readonly machine: string } }
  | { readonly kind: "log"; readonly id: string; readonly part: LogPart }
  | { readonly kind: "bulk"; readonly id: string; readonly bulk: Bulk };

/**
 * Follows the yard over any number of connections: history and log continue after the last message, and progress starts
 * with open attempts. Ends when the signal is aborted. Throws permanent errors, such as `NOT_FOUND` when the history
 * after the last message was pruned. Skips messages of unknown kinds.
 */
export async function* followStream(http: HttpClient, options: StreamOptions): AsyncGenerator<StreamMessage, void> {
  const { signal = new AbortController().signal, reconnect = true } = options;
  const state = { lastEventId: options.lastEventId, failures: 0, retryMs: 0 };
  const passes = (error: unknown) => signal.aborted || (reconnect && isPassing(error));
  for (;;) {
    for await (const { message, retryMs } of connectOnce(http, { ...options, ...state, signal }, passes)) {
      Object.assign(state, { lastEventId: message.id, failures: 0, retryMs: retryMs ?? state.retryMs });
      yield message;
    }
    if (signal.aborted || !reconnect) return;
    state.failures += 1;
    await sleep(pauseMs(state), signal);
  }
}

/** Yields one connection's messages. Ends without an error after a transient one. */
async function* connectOnce(http: HttpClient, connection: Connection, passes: (error: unknown) => boolean) {
  try {
    yield* connect(http, connection);
  } catch (error) {
    if (!passes(error)) throw error;
  }
}

interface Connection extends Omit<StreamOptions, "lastEventId"> {
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
}

async function* connect(http: HttpClient, { kinds, lastEventId, signal, ...filter }: Connection) {
  const watchdog = createWatchdog(SILENCE_MS);
  try {
    const { machine, idPrefix, stackId, attemptId } = filter;
    const headers = { accept: "text/event-stream", ...(lastEventId !== undefined && { "last-event-id": lastEventId }) };
    const query = defined({ kinds: kinds?.join(","), machine, idPrefix, stackId, attemptId });
    const request = { path: ["v1", "stream"], query, signal: AbortSignal.any([signal, watchdog.signal]) };
    const { body } = await http.openStream(request, headers);
    if (body === null) throw new StackyardError("UNREACHABLE", "The server sent no stream.");
    for await (const { name, data, id = "", retryMs } of readEventStream(body, watchdog.feed)) {
      const message = toMessage(name, id, JSON.parse(data) as never);
      if (message !== undefined) yield { message, retryMs };
    }
  } finally {
    watchdog.stop();
  }
}

/** Converts an event to a message. The server guarantees the shapes. */
function toMessage(name: string, id: string, data: never): StreamMessage | undefined {
  switch (name) {
    case "ready":
      return { kind: name, id, position: (data as { readonly position: number }).position };
    case "history":
      return { kind: name, id, entry: data };
    case "progress":
      return { kind: name, id, attempt: data };
    case "log":
      return { kind: name, id, part: data };
    case "bulk":
      return { kind: name, id, bulk: data };
    default:
      return undefined;
  }
}
