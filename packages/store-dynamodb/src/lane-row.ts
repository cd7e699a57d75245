import type { QueuedEvent } from "@stackyard/core/engine";
import { toAttribute } from "./attributes.ts";
import { sizeOfItem } from "./item-size.ts";
import type { RowKind, WorkRow } from "./mutate-row.ts";
import { toKeyPart, toUntakenAt, type WorkKey } from "./work-keys.ts";

/** An event that is larger than this stands beside its lane. */
const INLINE_BYTES = 1024;

/** A queued event. */
export interface LaneEvent {
  /** Grows along the lane. */
  readonly no: number;
  /** Its key (`toEventKey`). */
  readonly id: string;
  /** Orders it among other work. */
  readonly dueAt: number;
  /** 0: nobody has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
  readonly event?: QueuedEvent | undefined;
  /** Instead of the event: it stands beside the lane under this name. */
  readonly beside?: string | undefined;
}

/** The queued events of one stack in order: one item, so that they are handed out in order. An empty lane has none. */
export interface LaneRow extends WorkRow {
  readonly stackId: string;
  readonly events: readonly LaneEvent[];
}

/** How lanes are kept: by their stack, due when their first event is visible. */
export const LANES: RowKind<LaneRow> = {
  name: "queue of the stack",
  toKey: (stackId) => toLaneKey(stackId, "lane"),
  toIndex: ({ events }) => ({
    workKey: "event",
    workAt: events[0]?.visibleAt || toUntakenAt(events[0]?.no ?? 0),
    queued: events.length,
  }),
};

/** Where a large event stands. */
export function toBesideKey(stackId: string, name: string): WorkKey {
  return toLaneKey(stackId, `event#${name}`);
}

function toLaneKey(stackId: string, sk: string): WorkKey {
  return { pk: `lane#${toKeyPart(stackId)}`, sk };
}

/** True when it is better kept beside its lane. */
export function isLarge(event: QueuedEvent): boolean {
  return sizeOfItem({ event: toAttribute(event) }) > INLINE_BYTES;
}

/** The events that one take may hand out: from the first one on, as long as they are visible. Pure. */
export function listVisible({ events }: LaneRow, now: number): readonly LaneEvent[] {
  const blocked = events.findIndex(({ visibleAt }) => visibleAt > now);
  return blocked === -1 ? events : events.slice(0, blocked);
}

/** The receipt of an event. */
export function toEventReceipt(stackId: string, no: number): string {
  return `event:${no}:${stackId}`;
}

/** The receipt of a task message. */
export function toTaskReceipt(attemptId: string, no: number): string {
  return `task:${no}:${attemptId}`;
}

/** What a receipt of ours stands for. */
export type Receipt =
  | { readonly kind: "event" | "task"; readonly no: number; readonly id: string }
  | { readonly kind: "return"; readonly id: string };

const NUMBERED = /^(event|task):(\d{1,16}):(.*)$/s;
const RETURN = /^(?:poll|lapsedLease):(.*)$/s;

/** Undefined for what is none of ours. */
export function parseReceipt(receipt: string): Receipt | undefined {
  const [, kind, no, id = ""] = NUMBERED.exec(receipt) ?? [];
  if (kind === "event" || kind === "task") return { kind, no: Number(no), id };
  const [, attemptId] = RETURN.exec(receipt) ?? [];
  return attemptId === undefined ? undefined : { kind: "return", id: attemptId };
}
