import { type Change, toEventKey } from "@stackyard/core/engine";
import type { Aggregate, AppliedId, ParkedMark } from "./aggregate.ts";
import { type OutboxEntry, toOutboxEntry } from "./outbox-entry.ts";
import type { PlacedAggregate } from "./placed-aggregate.ts";
import { TAKEN_OVER_VERSION } from "./stack-item.ts";

/** The newest ids stay in the item; beyond the most that it holds, the others leave it. */
const IDS_KEPT = 200;
const IDS_MOST = 250;

/** An id that leaves the item. `no`: the how manieth of its stack. */
export interface MovedId {
  readonly id: string;
  readonly at: number;
  readonly no: number;
}

/** What a commit writes. */
export interface CommitPlan {
  readonly home: OutboxEntry["home"];
  readonly next: Aggregate;
  /** Written before the commit, as they are not in the item any more. */
  readonly moved: readonly MovedId[];
}

/** What becomes of an aggregate by a change. Pure. */
export function planCommit(base: PlacedAggregate, change: Change): CommitPlan {
  const { write, now } = change;
  const isLive = base.place.kind === "live" || base.place.kind === "taken-over";
  const begins = !isLive && write.kind === "put";
  const home = isLive || begins ? "live" : "shadow";
  const version = Math.max(base.version, base.floor, TAKEN_OVER_VERSION) + 1;
  const entry = toOutboxEntry(change, { version, home });
  const { ids, moved } = addIds(base, change.appliedIds, now);
  const next: Aggregate = {
    ...base,
    ...{ version, floor: version, ids },
    idCount: base.idCount + change.appliedIds.length,
    idsMoved: base.idsMoved || moved.length > 0,
    ...park(base, change, version),
    timerHidden: write.kind === "keep" ? base.timerHidden : undefined,
    outbox: [...(begins ? [] : base.outbox), ...(entry === undefined ? [] : [entry])],
    isFresh: begins,
    isRemoved: isLive && write.kind === "remove",
    ...(write.kind === "put" ? { stack: write.stack, stackVersion: version } : {}),
    shadowVersion: begins ? base.version : base.shadowVersion,
  };
  return { home, next, moved };
}

function addIds(base: Aggregate, applied: readonly string[], now: number) {
  const ids: readonly AppliedId[] = [...base.ids, ...applied.map((id) => [id, now] as const)];
  if (ids.length <= IDS_MOST) return { ids, moved: [] };
  const leaving = ids.slice(0, ids.length - IDS_KEPT);
  const first = base.idCount + applied.length - ids.length + 1;
  return { ids: ids.slice(leaving.length), moved: leaving.map(([id, at], index) => ({ id, at, no: first + index })) };
}

/** Whatever was handed out before: another event may be due now. */
function park(base: Aggregate, { park: parked, unpark }: Change, version: number): Partial<Aggregate> {
  if (parked.length + unpark.length === 0) return {};
  const byId = new Map<string, ParkedMark>(base.parked.map((mark) => [mark.id, mark]));
  for (const id of unpark) byId.delete(id);
  for (const { event, nextTryAt } of parked) byId.set(toEventKey(event), { id: toEventKey(event), nextTryAt, version });
  return { parked: [...byId.values()], parkedHidden: undefined };
}
