import type { Executor, Store } from "@stackyard/core";
import { type Machine, parseMachine, parseRunMachine } from "@stackyard/core/machine";

/** Finds the machine of a kept revision; undefined when it is not kept or no longer compiles. */
export type FindOwnMachine = (hash: string) => Promise<Machine | undefined>;

const MOST_KEPT = 200;
const RUN_MACHINE = "stackyard.run";

/** Reads revisions from the store, and keeps the last ones compiled. */
export function createOwnMachines(deps: {
  readonly store: Pick<Store, "revisions">;
  readonly executors: ReadonlyMap<string, Executor>;
}): FindOwnMachine {
  const compiled = new Map<string, Machine>();
  return async (hash) => {
    const known = compiled.get(hash);
    if (known !== undefined) return known;
    const kept = await deps.store.revisions.get(hash);
    if (kept === undefined) return undefined;
    const machine =
      kept.name === RUN_MACHINE
        ? parseRunMachine(kept.source)
        : parseMachine(kept.source, { name: kept.name, executors: deps.executors }).machine;
    if (machine === undefined) return undefined;
    const [oldest] = compiled.keys();
    if (compiled.size >= MOST_KEPT && oldest !== undefined) compiled.delete(oldest);
    compiled.set(hash, machine);
    return machine;
  };
}
