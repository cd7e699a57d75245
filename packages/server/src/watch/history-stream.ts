import { type Clock, StackyardError, type Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";
import { toHistoryEntry } from "../views/to-history.ts";
import type { ChangeBell } from "./change-bell.ts";
import { findNewestPosition, loadHistoryAfter } from "./history-tail.ts";

/** Opens event streams and ends them all when the server stops. */
export interface HistoryStreams {
  /**
   * `since`: the position after which the stream begins; without it, or beyond the newest one, only what comes from now
   * on.
   */
  open(input: { readonly stackId?: string; readonly since?: number }, signal: AbortSignal): Promise<Response>;
  readonly count: number;
  stop(): void;
}

export interface HistoryStreamsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly bell: ChangeBell;
  readonly heartbeatMs: number;
  /** Open streams; one more is `RATE_LIMITED`. */
  readonly max: number;
}

const POLL_MS = 1_000;

/** Streams of the history as server-sent events. Each reads when its receiver is ready, so a slow one holds no memory. */
export function createHistoryStreams(deps: HistoryStreamsDeps): HistoryStreams {
  const ending = new AbortController();
  const open = new Set<AbortController>();
  return {
    get count() {
      return open.size;
    },
    stop: () => ending.abort(),
    async open({ stackId, since }, signal) {
      if (open.size >= deps.max) throw new StackyardError("RATE_LIMITED", "Too many streams are open.");
      const own = new AbortController();
      open.add(own);
      const end = AbortSignal.any([signal, own.signal, ending.signal]);
      end.addEventListener("abort", () => open.delete(own));
      try {
        const filter = stackId === undefined ? {} : { stackId };
        const newest = await findNewestPosition(deps.store);
        // A store that was restored is behind what a receiver saw of it before: nothing would come for a long time.
        const position = Math.min(since ?? newest, newest);
        // Reading before the answer begins makes a position that is too far back a problem, not a broken stream.
        const backlog = await loadHistoryAfter(deps.store, filter, position);
        const chunks = followHistory(deps, { filter, position, backlog, signal: end });
        return toEventStream(chunks, () => own.abort());
      } catch (error) {
        own.abort();
        throw error;
      }
    },
  };
}

interface FollowInput {
  readonly filter: { readonly stackId?: string };
  readonly position: number;
  readonly backlog: readonly StoredHistoryEntry[];
  readonly signal: AbortSignal;
}

async function* followHistory(deps: HistoryStreamsDeps, input: FollowInput): AsyncGenerator<string> {
  const { filter, signal } = input;
  let { position, backlog } = input;
  yield `retry: 2000\nid: ${position}\nevent: ready\ndata: {"position":${position}}\n\n`;
  let spokeAt = deps.clock.now();
  while (!signal.aborted) {
    for (const entry of backlog) {
      position = entry.position;
      yield toEvent(entry);
    }
    const seen = deps.bell.count;
    if (backlog.length > 0) spokeAt = deps.clock.now();
    backlog = await loadHistoryAfter(deps.store, filter, position);
    if (backlog.length > 0) continue;
    await deps.bell.wait(seen, Math.min(POLL_MS, deps.heartbeatMs), signal);
    if (deps.clock.now() - spokeAt < deps.heartbeatMs) continue;
    spokeAt = deps.clock.now();
    yield ": alive\n\n";
  }
}

function toEvent(entry: StoredHistoryEntry): string {
  return `id: ${entry.position}\nevent: history\ndata: ${JSON.stringify(toHistoryEntry(entry))}\n\n`;
}

function toEventStream(chunks: AsyncGenerator<string>, cancel: () => void): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await chunks.next().catch((error: unknown) => {
        cancel();
        throw error;
      });
      if (next.done) {
        cancel();
        controller.close();
      } else controller.enqueue(encoder.encode(next.value));
    },
    cancel,
  });
  const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
  return new Response(body, { headers });
}
