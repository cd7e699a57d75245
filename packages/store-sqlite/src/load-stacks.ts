import { type LoadedStack, parseStored } from "@stackyard/core/engine";
import { loadParked } from "./park-events.ts";
import type { StoreContext } from "./store-context.ts";

/** A stack as the engine decides on it. */
export function loadStack(store: StoreContext, stackId: string): LoadedStack {
  const row = store.database.get<{ version: number; body: string }>(
    "select version, body from stack where stack_id = ? and body is not null",
    stackId,
  );
  const parked = loadParked(store, stackId);
  if (row === undefined) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: parseStored.stack(row.body, stackId), parked };
}
