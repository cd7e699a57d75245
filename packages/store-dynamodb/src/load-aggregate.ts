import { type Aggregate, type AppliedId, EMPTY, type ParkedMark } from "./aggregate.ts";
import { loadRow } from "./mutate-row.ts";
import type { PlacedAggregate } from "./placed-aggregate.ts";
import { SHADOWS, type ShadowRow, toShadowAggregate } from "./shadow-row.ts";
import { parseStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";
import { takeOver } from "./take-over.ts";

/**
 * Loads what a commit of that stack concerns; consistent. One read as a rule; another one while there is no stack, or
 * where its item has just begun or ended.
 */
export async function loadAggregate(context: StoreContext, stackId: string): Promise<PlacedAggregate> {
  // The empty id stands for an unknown stack; no item can have it.
  const item = stackId === "" ? undefined : await context.stacks.get({ id: stackId });
  if (item === undefined) return toShadowed(await loadRow(context, SHADOWS, stackId));
  const { kind, aggregate } = parseStackItem(item);
  const { version, isFresh, isRemoved } = aggregate;
  if (kind === "ours" && !isFresh && !isRemoved) return { ...aggregate, place: { kind: "live", version } };
  const shadow = await loadRow(context, SHADOWS, stackId);
  if (kind === "taken-over") return { ...(await takeOver(context, stackId, aggregate, shadow)), place: { kind } };
  return toUnsettled(aggregate, shadow);
}

/** The aggregate of a stack that has just begun or ended. Pure. */
export function toUnsettled(live: Aggregate, shadow: ShadowRow | undefined): PlacedAggregate {
  const { version } = live;
  if (live.isRemoved) {
    return {
      ...toShadowAggregate(toTombstone(live, shadow, "")),
      outbox: live.outbox,
      place: { kind: "removed", live },
    };
  }
  if (shadow !== undefined && shadow.removedVersion >= version)
    return { ...toShadowAggregate(shadow), place: { kind: "zombie", version } };
  return { ...withShadow(live, shadow), place: { kind: "live", version } };
}

function toShadowed(row: ShadowRow | undefined): PlacedAggregate {
  return { ...toShadowAggregate(row), place: { kind: "shadow", row } };
}

/** With what was committed into the shadow when the stack stood already. Pure. */
export function withShadow(live: Aggregate, shadow: ShadowRow | undefined): Aggregate {
  if (shadow === undefined || shadow.version <= live.shadowVersion) return live;
  const ids = mergeIds(shadow.ids, live.ids);
  return {
    ...live,
    ids,
    idCount: live.idCount + ids.length - live.ids.length,
    idsMoved: live.idsMoved || shadow.idsMoved,
    parked: mergeParked(live.parked, shadow.parked),
    shadowVersion: shadow.version,
    floor: Math.max(live.floor, shadow.version),
  };
}

/** What the shadow becomes when that life ends. Doing it again changes nothing. Pure. */
export function toTombstone(live: Aggregate, shadow: ShadowRow | undefined, stackId: string): ShadowRow {
  if (shadow !== undefined && shadow.removedVersion >= live.version) return shadow;
  const { ids, idCount, idsMoved, parked } = withShadow(live, shadow);
  const version = Math.max(live.version, shadow?.version ?? 0);
  const { outbox } = shadow ?? EMPTY;
  return { ...shadow, ...{ stackId, version, ids, idCount, idsMoved, parked, outbox }, removedVersion: live.version };
}

function mergeIds(older: readonly AppliedId[], newer: readonly AppliedId[]): readonly AppliedId[] {
  const known = new Set(newer.map(([id]) => id));
  return [...older.filter(([id]) => !known.has(id)), ...newer].sort(([, a], [, b]) => a - b);
}

function mergeParked(own: readonly ParkedMark[], others: readonly ParkedMark[]): readonly ParkedMark[] {
  const known = new Set(own.map(({ id }) => id));
  return [...own, ...others.filter(({ id }) => !known.has(id))];
}
