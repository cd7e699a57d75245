import type { By } from "../access/by.ts";
import type { Sender } from "../access/sender.ts";
import { chunk } from "../chunk.ts";
import { keepStart } from "../machine/cut-text.ts";
import { defined } from "../machine/json.ts";
import type { Outcome } from "../ports/stack-store.ts";

/** The action of a bulk on each of its items. Those of `redrive` and `dismiss` are dead letters, of `withdraw` parked events, all others stacks. */
const BULK_OPERATIONS = [
  "send",
  "retry",
  "cancel",
  "acknowledge",
  "settle",
  "remove",
  "upgrade",
  "redrive",
  "dismiss",
  "withdraw",
] as const;
export type BulkOperation = (typeof BULK_OPERATIONS)[number];

/** The operations on dead letters and parked events, and what each makes of them. */
const EVENT_OUTCOMES = { redrive: "redriven", dismiss: "dismissed", withdraw: "withdrawn" } as const;

/** An operation on dead letters or parked events. */
export type EventOperation = keyof typeof EVENT_OUTCOMES;

/** Returns true for an operation on dead letters or parked events, and false for one on stacks. */
export function isOnEvents(operation: BulkOperation): operation is EventOperation {
  return Object.hasOwn(EVENT_OUTCOMES, operation);
}

/** Returns the outcome of an event that such an operation has found. */
export function toEventOutcome(operation: EventOperation): (typeof EVENT_OUTCOMES)[EventOperation] {
  return EVENT_OUTCOMES[operation];
}

/**
 * The outcome of an item: that of its event, `redriven`, `dismissed` or `withdrawn`. `waiting`: its event is queued, but was not decided in
 * time. `gone`: the event was not there. `skipped`: the bulk was cancelled before it.
 */
export type BulkOutcome = Outcome | "redriven" | "dismissed" | "withdrawn" | "gone" | "waiting" | "skipped";

/** The stored form of an operation on many items. Its items are in separate chunks. */
export interface Bulk {
  readonly id: string;
  readonly operation: BulkOperation;
  /** As the request gave it. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The event of each stack without `id` and `stackId`; of dead letters and parked events: empty. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly reason?: string;
  readonly sender: Sender;
  readonly status: "running" | "done" | "cancelled";
  readonly createdAt: number;
  readonly endedAt?: number;
  readonly total: number;
  /** Items that have an outcome: the first ones. */
  readonly done: number;
  readonly counts: Readonly<Partial<Record<BulkOutcome, number>>>;
  /** A request to end it. Items that were sent before are still counted. */
  readonly cancel?: By & { readonly at: number; readonly reason?: string };
}

/** The result of a decided item. */
export interface BulkResult {
  readonly outcome: BulkOutcome;
  readonly code?: string;
  readonly reason?: string;
}

/** One item. */
export interface BulkItem extends Partial<BulkResult> {
  /** From 1. */
  readonly n: number;
  /** The id of the stack, the dead letter or the parked event. */
  readonly id: string;
  /** The digest of its plan: its event does what the dry run has shown, or is refused. */
  readonly plan?: string;
}

/** Items that are sent together. */
export interface BulkChunk {
  readonly items: readonly BulkItem[];
  /** Written before the first of them is sent: a server that continues the bulk first checks their outcomes. */
  readonly sentAt?: number;
}

/** Items of a chunk. */
export const CHUNK_ITEMS = 50;
/** Items of a bulk. */
export const MOST_ITEMS = 10_000;
/** A queued event of a stack whose row is damaged may never be decided. */
const DECIDED_WITHIN_MS = 60_000;
const MOST_REASON_CHARACTERS = 500;

/** The progress of the process that runs a bulk with its present chunk. */
export interface BulkProgress {
  /** The chunk; undefined when its record does not exist. */
  readonly chunk: BulkChunk | undefined;
  /** By number of the item. */
  readonly decided: ReadonlyMap<number, BulkResult>;
  /** When this process has sent the undecided items. */
  readonly sentAt?: number | undefined;
  /** The time after that for which the rest of a chunk may stay undecided. Default: 60 s. */
  readonly decidedWithinMs?: number | undefined;
  readonly now: number;
}

/** The next step of a bulk. */
export type BulkStep =
  /** Write the chunk if it is not written like this, then send these items. Sending one again changes nothing. */
  | { readonly kind: "send"; readonly chunk: BulkChunk; readonly items: readonly BulkItem[] }
  /** Look again soon: these items are not decided. */
  | { readonly kind: "wait"; readonly items: readonly BulkItem[] }
  /** Write the chunk, then the bulk. */
  | { readonly kind: "record"; readonly chunk: BulkChunk; readonly bulk: Bulk }
  /** Write the bulk; it is over. */
  | { readonly kind: "end"; readonly bulk: Bulk }
  | { readonly kind: "over" };

/** Decides what a bulk does next. A process may die between any two steps, and another one asks again. */
export function nextBulkStep(bulk: Bulk, progress: BulkProgress): BulkStep {
  const { chunk, decided, sentAt, now, decidedWithinMs = DECIDED_WITHIN_MS } = progress;
  if (bulk.status !== "running") return { kind: "over" };
  if (bulk.done >= bulk.total) return { kind: "end", bulk: { ...bulk, status: "done", endedAt: now } };
  if (chunk === undefined) return { kind: "end", bulk: endEarly(bulk, now, EXPIRED) };
  if (bulk.cancel !== undefined && chunk.sentAt === undefined) {
    return { kind: "end", bulk: endEarly(bulk, now, bulk.cancel) };
  }
  const open = chunk.items.filter((item) => item.outcome === undefined && !decided.has(item.n));
  if (open.length === 0) return toRecord(bulk, chunk, decided);
  if (sentAt === undefined) return { kind: "send", chunk: { ...chunk, sentAt: chunk.sentAt ?? now }, items: open };
  // Where no item at all is decided, no engine works; then the rest is not queued behind them.
  if (open.length === chunk.items.length || now < sentAt + decidedWithinMs) return { kind: "wait", items: open };
  return toRecord(bulk, chunk, decided);
}

const EXPIRED = { by: "stackyard", reason: "The list of its items is older than 7 days." };

function endEarly(bulk: Bulk, now: number, why: { readonly by: string; readonly reason?: string }): Bulk {
  const skipped = bulk.total - bulk.done;
  return {
    ...bulk,
    status: "cancelled",
    endedAt: now,
    counts: { ...bulk.counts, skipped },
    cancel: { at: now, ...why },
  };
}

function toRecord(bulk: Bulk, chunk: BulkChunk, decided: BulkProgress["decided"]): BulkStep {
  const items = chunk.items.map((item) =>
    item.outcome === undefined ? { ...item, ...toKept(decided.get(item.n)) } : item,
  );
  const counts: Record<string, number> = { ...bulk.counts };
  for (const { outcome = "waiting" } of items) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return {
    kind: "record",
    chunk: { ...chunk, items },
    bulk: { ...bulk, done: bulk.done + items.length, counts },
  };
}

function toKept({ outcome, code, reason }: BulkResult = { outcome: "waiting" }): BulkResult {
  return { outcome, ...defined({ code, reason: reason && keepStart(reason, MOST_REASON_CHARACTERS) }) };
}

/** Digests of plans by the ids of items. */
export type BulkPlans = ReadonlyMap<string, string>;

/** Splits the items of a new bulk into chunks, which do not change later. */
export function toChunks(ids: readonly string[], plans?: BulkPlans): readonly BulkChunk[] {
  const items = ids.map((id, index): BulkItem => ({ n: index + 1, id, ...defined({ plan: plans?.get(id) }) }));
  return chunk(items, CHUNK_ITEMS).map((part) => ({ items: part }));
}

/** Returns the number of the bulk's present chunk. */
export function chunkOf({ done }: Pick<Bulk, "done">): number {
  return Math.floor(done / CHUNK_ITEMS);
}

/**
 * Returns the id of the event that a bulk sends to its item. Senders from outside may not choose an id of this form.
 */
export function toBulkEventId(bulkId: string, { n }: Pick<BulkItem, "n">): string {
  return `bulk-${bulkId}-${n}`;
}
