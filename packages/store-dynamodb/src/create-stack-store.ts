import type { Change, CommitResult, LoadedStack } from "@stackyard/core/engine";
import { commitChange } from "./commit-change.ts";
import { inParallel } from "./in-parallel.ts";
import { loadAggregate } from "./load-aggregate.ts";
import { loadParked } from "./parked-row.ts";
import type { StoreContext } from "./store-context.ts";

/** The part of the port that the engine decides on. */
export function createStackStore(context: StoreContext) {
  return {
    async load(stackIds: readonly string[]): Promise<readonly LoadedStack[]> {
      const unique = [...new Set(stackIds)];
      return inParallel(unique, (stackId) => loadOne(context, stackId));
    },
    async commit(changes: readonly Change[]): Promise<readonly CommitResult[]> {
      return inParallel(changes, (change) => commitChange(context, change));
    },
  };
}

async function loadOne(context: StoreContext, stackId: string): Promise<LoadedStack> {
  const aggregate = await loadAggregate(context, stackId);
  context.recent.keep(stackId, aggregate);
  const parked = await loadParked(context, stackId, aggregate);
  const { stack, stackVersion: version } = aggregate;
  return stack === undefined ? { stackId, version: 0, parked } : { stackId, version, stack, parked };
}
