import { isStackyardError, StackyardError } from "@stackyard/core";
import { StackyardApiError } from "./api-error.ts";
import { backoffMs, sleep } from "./backoff.ts";
import { readEventStream } from "./event-stream.ts";
import type { HistoryEntry } from "./history-entry.ts";
import type { HttpClient } from "./http-client.ts";

/** What to watch. */
export interface WatchOptions {
  readonly stackId?: string;
  /** Go on after this position; without it only what comes from now on. */
  readonly since?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** `ready` comes after every connection: what was read before it may be old. */
export type WatchSignal =
  | { readonly kind: "ready"; readonly position: number }
  | { readonly kind: "entry"; readonly entry: HistoryEntry };

/** A server says something at least every 15 s; three times that in silence means that the connection is dead. */
const SILENCE_MS = 45_000;

/**
 * Follows the history over any number of connections: each goes on after the last entry. Ends when the signal is
 * aborted; throws what no further try would change, such as a wrong token.
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
      if (!mayPass(error)) throw error;
    }
    state.failures += 1;
    await sleep(pauseMs(state), signal);
  }
}

/** A connection that ends in peace is renewed when the server likes it; one that fails, ever later. */
function pauseMs({ failures, retryMs }: { readonly failures: number; readonly retryMs: number }): number {
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
    if (body === null) throw new StackyardError("UNREACHABLE", "The server sent no stream.");
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

function mayPass(error: unknown): boolean {
  if (error instanceof StackyardApiError) return error.problem.status === 429 || error.problem.status >= 500;
  return !isStackyardError(error) || error.retryable;
}

function createWatchdog(ms: number) {
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
