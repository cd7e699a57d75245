import { chunk, type Stack } from "@stackyard/core";
import { listRowPages, type RowsInput } from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { keepReadable } from "./readable-rows.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Zones that are counted at most: those of most stacks. */
const MOST_ZONES = 12;
/** Stacks of which the zone is read at most. */
const MOST_STACKS = 1_000;
const LOAD_AT_ONCE = 100;

interface ZonesInput {
  /** Tasks `deploy`. */
  readonly tasks: readonly RowsInput[];
  /** The key of the metadata that has the zone. */
  readonly key: string;
}

/** Counts the zones of the stacks that wait and that the caller may read. Of stacks without a zone it is empty. */
export async function countWaitingZones(
  deps: RouteDeps,
  caller: Caller,
  { tasks, key }: ZonesInput,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const part of chunk(await listWaiting(deps, caller, tasks), LOAD_AT_ONCE)) {
    for (const { stack } of await deps.store.load(part)) {
      const zone = readZone(stack, key);
      counts.set(zone, (counts.get(zone) ?? 0) + 1);
    }
  }
  return new Map([...counts].sort(([, one], [, other]) => other - one).slice(0, MOST_ZONES));
}

async function listWaiting(deps: RouteDeps, caller: Caller, tasks: readonly RowsInput[]): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (const task of tasks) {
    for await (const rows of listRowPages(task)) {
      const waiting = rows.filter(({ state }) => state === "waiting");
      for (const { stack } of await keepReadable(deps, caller, waiting)) ids.add(stack);
      if (ids.size >= MOST_STACKS) break;
    }
  }
  return [...ids].slice(0, MOST_STACKS);
}

function readZone(stack: Stack | undefined, key: string): string {
  const isSecret = Object.hasOwn(stack?.secretVersions ?? {}, key);
  const value = isSecret ? undefined : stack?.metadata[key];
  return typeof value === "string" ? value : "";
}
