import { type Change, type ParkedEvent, toEventKey } from "@stackyard/core/engine";
import type { Aggregate, ParkedMark } from "./aggregate.ts";
import { fromItem, toItem } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, toStackKey } from "./work-keys.ts";

/** A parked event. It is parked only as far as the stack says so: what a late writer leaves behind is never read. */
export interface ParkedRow {
  /** Its key (`toEventKey`). */
  readonly id: string;
  readonly parked: ParkedEvent;
}

/** The events that a stack's marks stand for, in their order. */
export async function loadParked(
  { work }: StoreContext,
  stackId: string,
  { parked }: Aggregate,
): Promise<readonly ParkedEvent[]> {
  const found = await inParallel(parked, async ({ name }) => {
    const item = await work.get({ ...toStackKey(stackId, name) });
    return item === undefined ? [] : [(fromItem(item) as unknown as ParkedRow).parked];
  });
  return found.flat();
}

/** Writes the events that a change parks, before it parks them. */
export async function writeParked(
  { work, nextNumber, random }: StoreContext,
  { stackId, park }: Pick<Change, "stackId" | "park">,
): Promise<readonly ParkedMark[]> {
  return inParallel(park, async (parked) => {
    const id = toEventKey(parked.event);
    const name = `parked#${toKeyPart(id)}#${nextNumber().toString(36)}${random().toString(36).slice(2, 6)}`;
    const row: ParkedRow = { id, parked };
    await work.put(toItem({ ...toStackKey(stackId, name), ...row }));
    return { id, nextTryAt: parked.nextTryAt, name };
  });
}

/** Removes events that were written and are not parked after all. */
export async function removeParked(
  { work }: StoreContext,
  stackId: string,
  marks: readonly ParkedMark[],
): Promise<void> {
  await inParallel(marks, ({ name }) => work.remove({ ...toStackKey(stackId, name) }));
}

/** Parks and unparks. `unused`: sort keys of rows that the aggregate no longer names. Pure. */
export function applyParked(
  aggregate: Aggregate,
  parked: readonly ParkedMark[],
  unpark: readonly string[],
): { readonly aggregate: Aggregate; readonly unused: readonly string[] } {
  if (parked.length + unpark.length === 0) return { aggregate, unused: [] };
  const byId = new Map<string, ParkedMark>(aggregate.parked.map((mark) => [mark.id, mark]));
  for (const id of unpark) byId.delete(id);
  for (const mark of parked) byId.set(mark.id, mark);
  const kept = [...byId.values()];
  const names = new Set(kept.map(({ name }) => name));
  const unused = aggregate.parked.flatMap(({ name }) => (names.has(name) ? [] : [name]));
  // Whatever was handed out before: another event may be due now.
  return { aggregate: { ...aggregate, parked: kept, parkedHidden: undefined }, unused };
}
