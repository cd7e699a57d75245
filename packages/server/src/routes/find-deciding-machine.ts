import type { Locator } from "@stackyard/core";
import type { StoredStack } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { loadMachine } from "./load-machine.ts";
import type { FindOwnMachine } from "./own-machines.ts";

/** What finding the machine of a stack needs. */
export interface DecidingMachineDeps {
  readonly locator: Locator;
  readonly findOwn: FindOwnMachine;
}

/**
 * The revision that the engine would decide a stack's next event on: its own when that one pins, or when the newest lacks
 * its state; else the newest. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`.
 */
export async function findDecidingMachine(
  { locator, findOwn }: DecidingMachineDeps,
  stack: StoredStack["stack"],
): Promise<Machine> {
  const own = await findOwn(stack.machineHash);
  if (own?.revision === "pin") return own;
  const newest = await loadMachine(locator, stack.machine);
  return newest.states.has(stack.state) ? newest : (own ?? newest);
}
