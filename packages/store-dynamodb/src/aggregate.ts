import { afterHidden, type Hidden, REPAIR_AFTER_MS } from "./attempt-row.ts";
import type { Row } from "./attributes.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import type { Stack } from "./port-types.ts";
import { toShard } from "./work-keys.ts";

/** The key of an applied event (`toEventKey`) and when it was applied. */
export type AppliedId = readonly [id: string, at: number];

/** That an event is parked: the event itself is an item of the work table. In the order in which they are decided again. */
export interface ParkedMark {
  readonly id: string;
  readonly nextTryAt: number;
  /** Of the commit that parked it last. */
  readonly version: number;
}

/** What one commit concerns: a stack with what it remembers and what is still to be done. */
export interface Aggregate {
  /** Of the last write; the condition of the next one. 0: nothing is there. */
  readonly version: number;
  /** The next version is above it too. */
  readonly floor: number;
  readonly stack?: Stack | undefined;
  /** The version that wrote the stack; 0 without one. */
  readonly stackVersion: number;
  /** The newest ones, oldest first. */
  readonly ids: readonly AppliedId[];
  /** All that there ever were. */
  readonly idCount: number;
  /** Some have left the item for the work table. */
  readonly idsMoved: boolean;
  readonly parked: readonly ParkedMark[];
  readonly outbox: readonly OutboxEntry[];
  readonly timerHidden?: Hidden | undefined;
  readonly parkedHidden?: Hidden | undefined;
  /** Of a repair that failed. */
  readonly repairHidden?: Hidden | undefined;
  /** Its stack has just begun: whether an earlier life had come and gone meanwhile is still to be looked at. */
  readonly isFresh: boolean;
  /** Its stack has ended; the item goes when the tombstone stands. */
  readonly isRemoved: boolean;
  /** What stood in the shadow up to this version is in here. */
  readonly shadowVersion: number;
  /** Of the last write of any kind. */
  readonly nonce?: string | undefined;
}

/** Of a stack that nobody has heard of. */
export const EMPTY: Aggregate = {
  version: 0,
  floor: 0,
  stackVersion: 0,
  ids: [],
  idCount: 0,
  idsMoved: false,
  parked: [],
  outbox: [],
  isFresh: false,
  isRemoved: false,
  shadowVersion: 0,
};

/** Stacks are spread over so many parts of the index. */
export const STACK_SHARDS = 16;

/** When its first timer is due, whatever was handed out. */
export function findTimerAt({ stack, isRemoved }: Aggregate): number | undefined {
  return isRemoved ? undefined : findEarliest((stack?.timers ?? []).map(({ dueAt }) => dueAt));
}

/** When its first parked event is to be decided again, whatever was handed out. */
export function findParkedAt({ parked }: Aggregate): number | undefined {
  return findEarliest(parked.map(({ nextTryAt }) => nextTryAt));
}

/** When the sweep finishes what its commit has not. */
export function findRepairAt({ outbox, isFresh, isRemoved, stack }: Aggregate): number | undefined {
  if (outbox.length === 0 && !isFresh && !isRemoved) return undefined;
  return (outbox.at(-1)?.now ?? stack?.updatedAt ?? 0) + REPAIR_AFTER_MS;
}

/** When the sweep has something to do with it. */
export function findNextDueAt(aggregate: Aggregate): number | undefined {
  const timerAt = findTimerAt(aggregate);
  const parkedAt = findParkedAt(aggregate);
  const repairAt = findRepairAt(aggregate);
  const { timerHidden, parkedHidden, repairHidden } = aggregate;
  return findEarliest([
    ...(timerAt === undefined ? [] : [afterHidden(timerAt, timerHidden)]),
    ...(parkedAt === undefined ? [] : [afterHidden(parkedAt, parkedHidden)]),
    ...(repairAt === undefined ? [] : [afterHidden(repairAt, repairHidden)]),
  ]);
}

/** The attributes by which the index of due stacks finds it; none when nothing is due. */
export function toDueAttributes(stackId: string, aggregate: Aggregate): Row {
  const nextDueAt = findNextDueAt(aggregate);
  return nextDueAt === undefined ? {} : { nextDueAt, dueShard: toShard(stackId, STACK_SHARDS) };
}

function findEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : Math.min(...instants);
}
