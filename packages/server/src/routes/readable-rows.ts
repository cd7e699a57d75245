import { chunk, type Store } from "@stackyard/core";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";

const LOAD_AT_ONCE = 100;

/** Returns the rows about stacks that the caller may read. One whose stack is gone is for callers that may read all. */
export async function keepReadable<Row extends { readonly stack: string }>(
  { store }: { readonly store: Pick<Store, "load"> },
  caller: Caller,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (hasEverywhere(caller.rights, "read")) return rows;
  const kept: Row[] = [];
  for (const part of chunk(rows, LOAD_AT_ONCE)) {
    const loaded = await store.load(part.map(({ stack }) => stack));
    const machines = new Map(loaded.map(({ stackId, stack }) => [stackId, stack?.machine]));
    for (const row of part) {
      const machine = machines.get(row.stack);
      if (machine !== undefined && mayRead(caller, { kind: "stack", stackId: row.stack, machine })) kept.push(row);
    }
  }
  return kept;
}
