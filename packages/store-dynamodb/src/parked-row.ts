import { type ParkedEvent, toEventKey } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import { inParallel } from "./in-parallel.ts";
import { parseRow, type WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, toStackKey, type WorkKey } from "./work-keys.ts";

/** A parked event. It is there only as far as the stack says so: what a late writer leaves behind is never read. */
export interface ParkedRow extends WorkRow {
  readonly parked: ParkedEvent;
  /** Of the commit that parked it. */
  readonly version: number;
}

/** Where it stands. */
export function toParkedKey(stackId: string, eventId: string): WorkKey {
  return toStackKey(stackId, `parked#${toKeyPart(eventId)}`);
}

/** The events that a stack's marks stand for, in their order. What is not written yet is taken from the outbox. */
export async function loadParked(
  { work }: StoreContext,
  stackId: string,
  { parked, outbox }: Aggregate,
): Promise<readonly ParkedEvent[]> {
  const pending = new Map<string, ParkedEvent>();
  for (const { park } of outbox) for (const each of park) pending.set(toEventKey(each.event), each);
  const found = await inParallel(parked, async ({ id }) => {
    const unwritten = pending.get(id);
    if (unwritten !== undefined) return [unwritten];
    const item = await work.get({ ...toParkedKey(stackId, id) });
    return item === undefined ? [] : [parseRow<ParkedRow>(item).parked];
  });
  return found.flat();
}
