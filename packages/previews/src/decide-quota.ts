import { defined } from "@stackyard/core";

/** A stack in one of its incarnations: another incarnation of the same id does not own its parts. */
export interface QuotaOwner {
  readonly stack: string;
  readonly incarnation: string;
}

/** A stack's part of a quota. */
export interface QuotaHolder extends QuotaOwner {
  readonly weight: number;
  /** When it was granted first. Epoch milliseconds. */
  readonly since: number;
  /** The idempotency key of the attempt that it was granted to. */
  readonly attempt: string;
}

/** A stack that waits for its part of a quota. */
export interface QuotaWaiter extends QuotaHolder {
  /** Holders are sent this event while the waiter is the first in line. */
  readonly evictEvent?: string;
}

/** A holder that was sent the event of a waiter. */
export interface QuotaEviction extends QuotaOwner {
  /** The attempt of the waiter. */
  readonly waiter: string;
  readonly at: number;
}

/** One quota, as stored in a record of the yard. */
export interface QuotaRecord {
  readonly key: string;
  readonly holders: readonly QuotaHolder[];
  /** First come, first served. */
  readonly waiting: readonly QuotaWaiter[];
  readonly evictions: readonly QuotaEviction[];
}

/** An attempt's request to a quota. */
export interface QuotaRequest extends QuotaOwner {
  readonly weight: number;
  readonly attempt: string;
  /** False if the attempt does not wait. */
  readonly waits: boolean;
  readonly evictEvent?: string;
}

/** The answer, and the record afterwards: the same object when nothing has changed. */
export type QuotaDecision =
  | { readonly kind: "granted" | "waits"; readonly record: QuotaRecord }
  /** `too-large`: more than the whole capacity. */
  | { readonly kind: "full" | "too-large"; readonly record: QuotaRecord };

/** The next holder is sent the event after so long. */
const EVICT_AFTER_MS = 600_000;

/** Creates a quota without holders. */
export function createQuota(key: string): QuotaRecord {
  return { key, holders: [], waiting: [], evictions: [] };
}

/** Returns true if both are the same stack in the same incarnation. */
export function isSameOwner(a: QuotaOwner, b: QuotaOwner): boolean {
  return a.stack === b.stack && a.incarnation === b.incarnation;
}

/** Returns the sum of the weights. Weights are rounded to thousandths, so that sums are exact. */
export function sumWeights(holders: readonly Pick<QuotaHolder, "weight">[]): number {
  return holders.reduce((sum, { weight }) => sum + toUnits(weight), 0) / UNITS;
}

const UNITS = 1_000;

function toUnits(weight: number): number {
  return Math.round(weight * UNITS);
}

/**
 * Decides a request to a quota. It is granted once there is capacity and no other stack is ahead. A holder that
 * requests more goes first, because those ahead may wait for what it holds.
 */
export function decideQuota(
  record: QuotaRecord,
  request: QuotaRequest,
  { capacity, now }: { readonly capacity: number; readonly now: number },
): QuotaDecision {
  const held = record.holders.find((holder) => isSameOwner(holder, request));
  const others = record.holders.filter((holder) => holder !== held);
  const place = record.waiting.findIndex((waiter) => isSameOwner(waiter, request));
  const isFirst = place === 0 || (place < 0 && record.waiting.length === 0);
  const needsNoMore = toUnits(request.weight) <= toUnits(held?.weight ?? 0);
  if (!needsNoMore && toUnits(request.weight) > toUnits(capacity)) return { kind: "too-large", record };
  const fits = toUnits(sumWeights([...others, request])) <= toUnits(capacity);
  if (needsNoMore || (fits && (isFirst || held !== undefined))) {
    return { kind: "granted", record: grant(record, request, held ?? { since: now, attempt: request.attempt }) };
  }
  if (!request.waits) return { kind: "full", record };
  return { kind: "waits", record: enqueue(record, request, now) };
}

function grant(
  record: QuotaRecord,
  request: QuotaRequest,
  { since, attempt, weight }: Pick<QuotaHolder, "since" | "attempt"> & Partial<QuotaHolder>,
): QuotaRecord {
  const isWaiting = record.waiting.some((waiter) => isSameOwner(waiter, request));
  if (weight === request.weight && !isWaiting) return record;
  const { stack, incarnation } = request;
  const holder: QuotaHolder = { stack, incarnation, weight: request.weight, since, attempt };
  const before = removeOwner(record, (owner) => isSameOwner(owner, request));
  // The position in the list is the order of arrival, so a holder that changes its request keeps it.
  const holders = [...before.holders, holder].toSorted((a, b) => a.since - b.since);
  return { ...before, holders };
}

function enqueue(record: QuotaRecord, request: QuotaRequest, now: number): QuotaRecord {
  const { stack, incarnation, weight, attempt, evictEvent } = request;
  const present = record.waiting.find((waiter) => isSameOwner(waiter, request));
  if (present?.weight === weight && present.attempt === attempt && present.evictEvent === evictEvent) return record;
  const since = present?.since ?? now;
  const waiter: QuotaWaiter = { stack, incarnation, weight, since, attempt, ...defined({ evictEvent }) };
  if (present === undefined) return { ...record, waiting: [...record.waiting, waiter] };
  return { ...record, waiting: record.waiting.map((each) => (each === present ? waiter : each)) };
}

/** Removes the holders and waiters that match the condition. Returns the same record when none match. */
export function removeOwner(record: QuotaRecord, isRemoved: (owner: QuotaHolder) => boolean): QuotaRecord {
  const holders = record.holders.filter((holder) => !isRemoved(holder));
  const waiting = record.waiting.filter((waiter) => !isRemoved(waiter));
  if (holders.length === record.holders.length && waiting.length === record.waiting.length) return record;
  const evictions = record.evictions.filter(({ waiter }) => waiting.some(({ attempt }) => attempt === waiter));
  return { ...record, holders, waiting, evictions };
}

/** The holder to evict now, and the waiter. */
export interface DecidedEviction {
  readonly holder: QuotaHolder;
  readonly waiter: QuotaWaiter;
  readonly event: string;
  /** The record once the event was sent. */
  readonly record: QuotaRecord;
}

/**
 * Decides which holder makes room for the first waiter: the oldest, and after ten minutes the next one, each once per
 * waiter. Returns undefined when none is sent an event now.
 */
export function decideEviction(
  record: QuotaRecord,
  { capacity, now }: { readonly capacity: number; readonly now: number },
): DecidedEviction | undefined {
  const [waiter] = record.waiting;
  if (waiter?.evictEvent === undefined) return undefined;
  const others = record.holders.filter((holder) => !isSameOwner(holder, waiter));
  if (toUnits(sumWeights([...others, waiter])) <= toUnits(capacity)) return undefined;
  const sent = record.evictions.filter((eviction) => eviction.waiter === waiter.attempt);
  if (sent.some(({ at }) => now < at + EVICT_AFTER_MS)) return undefined;
  const holder = others.find((each) => !sent.some((eviction) => isSameOwner(eviction, each)));
  if (holder === undefined) return undefined;
  const { stack, incarnation } = holder;
  const eviction: QuotaEviction = { stack, incarnation, waiter: waiter.attempt, at: now };
  return {
    holder,
    waiter,
    event: waiter.evictEvent,
    record: { ...record, evictions: [...record.evictions, eviction] },
  };
}
