import { defined, type LogTime } from "@stackyard/core";
import type { Attempt, Bulk, HistoryEntry } from "@stackyard/core/api";
import { followEvents } from "./event-stream.ts";
import { createHttpClient, type HttpClient, type StackyardOptions } from "./http-client.ts";

/** The kinds of messages in a stream. */
export type StreamKind = "history" | "progress" | "log" | "bulk";

/** The options of following. */
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
  /** When its lines were logged, as far as known. */
  readonly times?: readonly LogTime[];
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
 * Yields the same messages as `Stackyard.stream`. For a worker of a page that only follows a yard: bundlers leave the rest
 * of the client out.
 */
export function openStream(yard: StackyardOptions, options: StreamOptions = {}): AsyncGenerator<StreamMessage, void> {
  return followStream(createHttpClient(yard), options);
}

/**
 * Follows the yard over any number of connections: history and log continue after the last message, and progress starts
 * with open attempts. Ends when the signal is aborted. Throws permanent errors, such as `NOT_FOUND` when the history
 * after the last message was pruned. Skips messages of unknown kinds.
 */
export function followStream(http: HttpClient, options: StreamOptions): AsyncGenerator<StreamMessage, void> {
  const { kinds, machine, idPrefix, stackId, attemptId, lastEventId, reconnect } = options;
  const { signal = new AbortController().signal } = options;
  return followEvents(http, {
    path: ["v1", "stream"],
    query: defined({ kinds: kinds?.join(","), machine, idPrefix, stackId, attemptId }),
    lastEventId,
    signal,
    ...defined({ reconnect }),
    noStream: "The server sent no stream.",
    parse({ name, data, id = "" }) {
      const message = toMessage(name, id, JSON.parse(data) as never);
      return message && { id, message };
    },
  });
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
