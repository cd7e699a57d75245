import { hasLostWorkers } from "../attempt/attempt.ts";
import { cutText } from "../machine/cut-text.ts";
import { defined } from "../machine/json.ts";
import { backoff } from "../retry.ts";

/**
 * One entry of a keyed queue: the value that was put last under its key, and when it is due. The functions here decide
 * its next form; `createKeyedQueue` stores their results.
 */
export interface QueueItem {
  readonly value: unknown;
  /** When the first put since the last completed work arrived. Epoch milliseconds. */
  readonly firstPutAt: number;
  /** Counts puts, so that work on an older value does not remove a newer one. */
  readonly puts: number;
  /** Not claimed before. Epoch milliseconds. */
  readonly dueAt: number;
  /** Grows with each claim: what an earlier claimant does is refused. */
  readonly claims: number;
  /** Claimed until then. Missing: not claimed. */
  readonly claimedUntil?: number;
  /** Claims that have lapsed since the last one that ended, because their processes died. Missing: none. */
  readonly lapses?: number;
  /** Missing when the last work succeeded, or before the first. */
  readonly failure?: QueueFailure;
  /** When the item became a dead letter. */
  readonly deadAt?: number;
}

/** Failed work since the last success. */
export interface QueueFailure {
  /** Failures in a row. */
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** The error message; at most 1,024 characters. */
  readonly message: string;
}

/** When a value that is put is due, in milliseconds from now. */
export interface QueueDelay {
  /** Later puts move the item back by as much. */
  readonly dueMs: number;
  /** Puts do not move the item beyond this, counted from the first of them. */
  readonly maxWaitMs: number;
}

/** The right to work on an item, for a time. */
export interface QueueClaim {
  readonly key: string;
  readonly value: unknown;
  readonly claim: number;
  readonly puts: number;
  /** Failures in a row before this claim. */
  readonly failures: number;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** First and longest time until failed work is repeated; it doubles in between, with full jitter. */
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 3_600_000;
/** Work that fails for so long is not repeated: the item becomes a dead letter. */
const GIVE_UP_MS = 86_400_000;
const MAX_MESSAGE = 1_024;

/** Merges a put into the item of its key. A dead letter becomes live again. */
export function putItem(
  item: QueueItem | undefined,
  { value, delay }: { readonly value: unknown; readonly delay: QueueDelay },
  now: number,
): QueueItem {
  const live = item?.deadAt === undefined ? item : undefined;
  const firstPutAt = live?.firstPutAt ?? now;
  const dueAt = Math.max(now, Math.min(now + delay.dueMs, firstPutAt + delay.maxWaitMs));
  const { puts = 0, claims = 0 } = item ?? {};
  const fresh: QueueItem = { value, firstPutAt, puts: puts + 1, dueAt, claims };
  return live === undefined ? fresh : { ...fresh, ...toClaim(live) };
}

function toClaim({ claimedUntil, lapses }: QueueItem): Pick<QueueItem, "claimedUntil" | "lapses"> {
  return defined({ claimedUntil, lapses });
}

/** Returns true for an item whose claim has not ended: another process works on it, or has died over it. */
export function isHeld({ claimedUntil }: QueueItem): boolean {
  return claimedUntil !== undefined;
}

/** Returns true for an item that may be claimed now. */
export function isClaimable(item: QueueItem, now: number): boolean {
  return item.deadAt === undefined && toClaimableAt(item) <= now;
}

/** Returns when a live item may be claimed: when it is due and the last claim has ended. */
export function toClaimableAt({ dueAt, claimedUntil = 0 }: QueueItem): number {
  return Math.max(dueAt, claimedUntil);
}

/**
 * Claims an item that is claimable. `dead`: three processes in a row have died over it, so that no other one begins; the item is
 * a dead letter.
 */
export function claimItem(
  item: QueueItem,
  leaseMs: number,
  now: number,
): { readonly kind: "claimed" | "dead"; readonly item: QueueItem } {
  const lapses = isHeld(item) ? (item.lapses ?? 0) + 1 : 0;
  const claimed = { ...item, claims: item.claims + 1, claimedUntil: now + leaseMs };
  if (!hasLostWorkers({ lapses })) return { kind: "claimed", item: lapses === 0 ? claimed : { ...claimed, lapses } };
  const dead = toFailed(claimed, { failures: item.failure?.count ?? 0 }, { message: WORKERS_LOST, now });
  return { kind: "dead", item: { ...dead, dueAt: now, deadAt: now } };
}

const WORKERS_LOST =
  "WORKER_LOST: Three processes in a row ended while they worked on this item. Look for the cause in their logs and in their memory, then send it again.";

/** Returns true while this claim is the latest. A claim that ended remains valid until another one begins. */
function isCurrent(item: QueueItem | undefined, { claim, until }: QueueClaim): item is QueueItem {
  // Claims are counted again from 0 when a removed item is put again.
  return item?.claimedUntil === until && item.claims === claim;
}

/** Returns the item with a claim that lasts longer. `lost`: another claim began. */
export function renewItem(
  item: QueueItem | undefined,
  claim: QueueClaim,
  until: number,
): { readonly kind: "lost" } | { readonly kind: "renewed"; readonly item: QueueItem } {
  if (!isCurrent(item, claim)) return { kind: "lost" };
  return { kind: "renewed", item: { ...item, claimedUntil: until } };
}

/**
 * Returns the item after its work succeeded: removed, or with the value that was put meanwhile. `lost`: another claim
 * began; do not store anything.
 */
export function completeItem(
  item: QueueItem | undefined,
  claim: QueueClaim,
): { readonly kind: "removed" | "lost" } | { readonly kind: "kept"; readonly item: QueueItem } {
  if (!isCurrent(item, claim)) return { kind: "lost" };
  if (item.puts === claim.puts) return { kind: "removed" };
  const { value, firstPutAt, puts, dueAt, claims } = item;
  return { kind: "kept", item: { value, firstPutAt, puts, dueAt, claims } };
}

/**
 * Returns the item that is due at an instant instead of now, with the value that was put last. Its failures are
 * forgotten. `lost`: another claim began.
 */
export function postponeItem(
  item: QueueItem | undefined,
  claim: QueueClaim,
  until: number,
): { readonly kind: "lost" } | { readonly kind: "postponed"; readonly item: QueueItem } {
  if (!isCurrent(item, claim)) return { kind: "lost" };
  const { value, firstPutAt, puts, claims } = item;
  return { kind: "postponed", item: { value, firstPutAt, puts, dueAt: until, claims } };
}

/** The facts of a failure. */
export interface FailInput {
  readonly message: string;
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

/** Returns the item after its work failed: it is due again later, or a dead letter. `lost`: another claim began. */
export function failItem(
  item: QueueItem | undefined,
  claim: QueueClaim,
  { message, now, random }: FailInput,
): { readonly kind: "lost" } | { readonly kind: "retried" | "dead"; readonly item: QueueItem } {
  if (!isCurrent(item, claim)) return { kind: "lost" };
  const kept = toFailed(item, claim, { message, now });
  if (now - kept.failure.firstAt >= GIVE_UP_MS) return buryItem(item, claim, { message, now });
  const longest = backoff(claim.failures + 1, { first: FIRST_RETRY_MS, most: LONGEST_RETRY_MS });
  return { kind: "retried", item: { ...kept, dueAt: now + Math.ceil(longest * random) } };
}

/** Returns the item after its work failed permanently: a dead letter. `lost`: another claim began. */
export function buryItem(
  item: QueueItem | undefined,
  claim: QueueClaim,
  { message, now }: Pick<FailInput, "message" | "now">,
): { readonly kind: "lost" } | { readonly kind: "dead"; readonly item: QueueItem } {
  if (!isCurrent(item, claim)) return { kind: "lost" };
  return { kind: "dead", item: { ...toFailed(item, claim, { message, now }), dueAt: now, deadAt: now } };
}

/** Returns the fields of an item after failed work. */
function toFailed(
  { value, firstPutAt, puts, claims, failure }: QueueItem,
  { failures }: Pick<QueueClaim, "failures">,
  { message, now }: Pick<FailInput, "message" | "now">,
) {
  const firstAt = failure?.firstAt ?? now;
  const told = { count: failures + 1, firstAt, lastAt: now, message: cutText(message, MAX_MESSAGE) };
  return { value, firstPutAt, puts, claims, failure: told };
}

/** Makes a dead letter due now. Its failures are forgotten. */
export function redriveItem({ value, puts, claims }: QueueItem, now: number): QueueItem {
  return { value, firstPutAt: now, puts, dueAt: now, claims };
}
