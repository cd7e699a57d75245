import type { Executor, Locator, Store } from "@stackyard/core";
import type { StoredStack } from "@stackyard/core/engine";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { loadMachine } from "./load-machine.ts";

/**
 * The revision that the engine would decide a stack's next event on: its own when that one pins, or when the newest lacks
 * its state; else the newest. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`.
 */
export async function findDecidingMachine(
  deps: {
    readonly store: Pick<Store, "revisions">;
    readonly locator: Locator;
    readonly executors: ReadonlyMap<string, Executor>;
  },
  stack: StoredStack["stack"],
): Promise<Machine> {
  const kept = await deps.store.revisions.get(stack.machineHash);
  const own =
    kept === undefined ? undefined : parseMachine(kept.source, { name: kept.name, executors: deps.executors }).machine;
  if (own?.revision === "pin") return own;
  const newest = await loadMachine(deps.locator, stack.machine);
  return newest.states.has(stack.state) ? newest : (own ?? newest);
}
