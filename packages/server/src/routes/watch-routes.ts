import { type Clock, defined, StackyardError, type Store } from "@stackyard/core";
import { StackId } from "@stackyard/core/api/operations";
import type { Page, StoredHistoryEntry } from "@stackyard/core/engine";
import { Type } from "typebox";
import { type Caller, toFamily } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { mayReadLine, type SubjectFinder } from "../access/reach.ts";
import type { ChangeBell } from "../change-bell.ts";
import { HttpError } from "../http/problem.ts";
import { defineRoute, type Route } from "../http/route.ts";
import { toHistoryEntry } from "../schemas/event.ts";

/** Defines the live updates as server-sent events. */
export function watchRoutes(streams: HistoryStreams): readonly Route[] {
  return [
    defineRoute("GET", "/v1/watch", {
      operationId: "watchHistory",
      permission: "read",
      subject: "list",
      tag: "history",
      summary:
        "The history as it grows: `ready` with the position, then `history` with one HistoryEntry each. The header Last-Event-ID, or `since`, continues after a position.",
      longLived: true,
      query: {
        stackId: Type.Optional(StackId),
        since: Type.Optional(Type.Integer({ minimum: 0, description: "A position; the header wins." })),
      },
      answers: {
        200: { description: "A stream.", mediaType: "text/event-stream" },
      },
      handle({ query }, { request, signal, caller }) {
        return streams.open({ ...query, ...parseLastEventId(request), caller }, signal);
      },
    }),
  ];
}

function parseLastEventId(request: Request): { readonly since?: number } {
  const header = request.headers.get("last-event-id");
  if (header === null || header === "") return {};
  if (/^(0|[1-9]\d{0,15})$/.test(header)) return { since: Number(header) };
  throw new HttpError(400, "USAGE", "Invalid position in the header Last-Event-ID.");
}

/** Opens streams of the history. */
interface HistoryStreams {
  /**
   * Opens a stream after the position `since`; without it, or beyond the newest position, it contains only new entries.
   */
  open(
    input: { readonly stackId?: string; readonly since?: number; readonly caller: Caller },
    signal: AbortSignal,
  ): Promise<Response>;
}

/** Counts open streams, and ends them all when the server stops. */
export interface StreamSlots {
  /** Throws `RATE_LIMITED` when too many are open, of all callers or of this one. */
  take(signal: AbortSignal, caller: Pick<Caller, "sender">): StreamSlot;
  readonly count: number;
  stop(): void;
}

/** One open stream. */
interface StreamSlot {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/** Creates slots for at most `max` streams, `perCaller` of one caller, and half of them for callers who may be one. */
export function createStreamSlots({
  max,
  perCaller,
}: {
  readonly max: number;
  readonly perCaller: number;
}): StreamSlots {
  const ending = new AbortController();
  const open = new Map<AbortController, { readonly identity: string; readonly family: string }>();
  const mostOfFamily = Math.max(perCaller, Math.floor(max / 2));
  return {
    get count() {
      return open.size;
    },
    stop: () => ending.abort(),
    take(signal, caller) {
      const { sender } = caller;
      const [identity, family] = [`${sender.kind} ${sender.id}`, toFamily(caller)];
      if (open.size >= max) throw new StackyardError("RATE_LIMITED", "Too many streams are open.");
      const own = [...open.values()].filter((each) => each.identity === identity).length;
      const related = [...open.values()].filter((each) => each.family === family).length;
      if (own >= perCaller) {
        throw new StackyardError(
          "RATE_LIMITED",
          `You have ${own} streams open. Close one, or ask for several kinds in one.`,
        );
      }
      if (related >= mostOfFamily) {
        const message = `You and your tokens have ${related} streams open, half of what the server has. Close some.`;
        throw new StackyardError("RATE_LIMITED", message);
      }
      const controller = new AbortController();
      open.set(controller, { identity, family });
      const end = AbortSignal.any([signal, controller.signal, ending.signal]);
      end.addEventListener("abort", () => open.delete(controller));
      return { signal: end, end: () => controller.abort() };
    },
  };
}

interface HistoryStreamsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly bell: ChangeBell;
  readonly subjects: SubjectFinder;
  readonly heartbeatMs: number;
  readonly slots: StreamSlots;
}

const POLL_MS = 1_000;

/** Limits of the history that a stream has in memory, plus one entry. */
const PAGE = { limit: 100, maxBytes: 32_768 };

/**
 * Proxies that hold back answers hand them on by whole buffers, usually of 4 KiB (nginx, `proxy_buffers`). A comment of
 * that size after each part brings the part through, wherever in a buffer it begins.
 */
export const PADDING = `:${" ".repeat(4_093)}\n\n`;

/** Streams of the history as server-sent events. Each reads when its client is ready, so a slow one needs no memory. */
export function createHistoryStreams(deps: HistoryStreamsDeps): HistoryStreams {
  return {
    async open({ stackId, since, caller }, signal) {
      const slot = deps.slots.take(signal, caller);
      try {
        const filter = defined({ stackId });
        const newest = await findNewestPosition(deps.store);
        // A restored store may be behind the position that a client has seen: it would get nothing for a long time.
        const position = Math.min(since ?? newest, newest);
        return toEventStream(followHistory(deps, { filter, position, caller, signal: slot.signal }), slot.end);
      } catch (error) {
        slot.end();
        throw error;
      }
    },
  };
}

/** Returns the position of the yard's newest entry; 0 when the history is empty. */
export async function findNewestPosition(store: Store): Promise<number> {
  const { items } = await store.queries.listHistory({ newestFirst: true }, { limit: 1 });
  return items[0]?.position ?? 0;
}

interface FollowInput {
  readonly filter: { readonly stackId?: string };
  readonly position: number;
  /** Lines that it may not read are skipped. */
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/**
 * Yields the text of a stream. Reads one small page when the client is ready, so the memory of a stream does not depend
 * on how much its client has missed.
 */
async function* followHistory(deps: HistoryStreamsDeps, input: FollowInput): AsyncGenerator<string> {
  const { filter, signal, caller } = input;
  let { position } = input;
  yield `retry: 2000\nid: ${position}\nevent: ready\ndata: {"position":${position}}\n\n`;
  yield PADDING;
  let spokeAt = deps.clock.now();
  while (!signal.aborted) {
    const seen = deps.bell.count;
    // The cursor of a page of the history is its last position.
    const page = await deps.store.queries.listHistory(filter, { ...PAGE, cursor: String(position) });
    for (const line of listLines(await withoutHidden(deps, caller, page))) {
      position = Math.max(position, line.position);
      yield line.text;
    }
    position = Math.max(position, Number(page.cursor ?? page.items.at(-1)?.position ?? 0));
    if (page.items.length > 0) {
      spokeAt = deps.clock.now();
      yield PADDING;
    }
    if (page.items.length > 0 || page.cursor !== undefined) continue;
    await deps.bell.wait(seen, Math.min(POLL_MS, deps.heartbeatMs), signal);
    if (deps.clock.now() - spokeAt < deps.heartbeatMs) continue;
    spokeAt = deps.clock.now();
    yield `: alive\n\n${PADDING}`;
  }
}

async function withoutHidden(
  { subjects }: HistoryStreamsDeps,
  caller: Caller,
  page: Page<StoredHistoryEntry>,
): Promise<Page<StoredHistoryEntry>> {
  if (hasEverywhere(caller.rights, "read")) return page;
  const items: StoredHistoryEntry[] = [];
  for (const line of page.items) {
    if (await mayReadLine(subjects, caller, line)) items.push(line);
  }
  return { items };
}

/** Formats a page for the stream. Clients ignore comments, such as those about damaged lines. */
function* listLines({ items, unreadable = [] }: Page<StoredHistoryEntry>) {
  for (const { id } of unreadable) yield { position: Number(id), text: `: line ${id} cannot be read\n\n` };
  for (const entry of items) yield { position: entry.position, text: toEvent(entry) };
}

function toEvent(entry: StoredHistoryEntry): string {
  return `id: ${entry.position}\nevent: history\ndata: ${JSON.stringify(toHistoryEntry(entry))}\n\n`;
}

/** Answers with a stream. `cancel` is called when it ends, on either side. */
export function toEventStream(chunks: AsyncGenerator<string>, cancel: () => void): Response {
  const encoder = new TextEncoder();
  // Without a queue, a chunk is created only when the socket accepts it.
  const strategy = { highWaterMark: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
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
    },
    strategy,
  );
  return new Response(body, { headers: STREAM_HEADERS });
}

/**
 * A proxy that compresses holds back text until it has enough. Some obey `no-transform`; nginx, which does not, leaves
 * alone what has an encoding.
 */
const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "content-encoding": "identity",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};
