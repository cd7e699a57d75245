import type { MainCondition, StackCounts, StackFilter } from "@stackyard/sdk";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";
import { JOB_MACHINE } from "./status.ts";
import { useLoad } from "./use-load.ts";

/** How many stacks have which main condition. They add up to the total. */
export type ConditionCounts = ReadonlyMap<MainCondition, number>;

/** The stacks of one machine. */
export interface MachineCounts {
  readonly machine: string;
  readonly total: number;
  readonly counts: ConditionCounts;
}

/**
 * Returns the counts of stacks by main condition: of all machines and of each, without jobs, and `all` with them. Undefined
 * while unknown.
 */
export function useMainConditions(filter: Omit<StackFilter, "waiting"> = {}) {
  const query = useLoad(
    keys.count("main-conditions", filter),
    ({ signal }) => yard.stacks.counts(filter, { by: "mainCondition", signal }),
    { placeholderData: (before) => before },
  );
  const all = query.data && toMachines(query.data);
  // Each job is the run of a task, not an environment.
  const machines = all?.filter(({ machine }) => machine !== JOB_MACHINE);
  return { query, machines, counts: machines && addUp(machines), all: all && addUp(all) };
}

/** Groups counts by machine, the largest first. */
function toMachines({ groups }: StackCounts): readonly MachineCounts[] {
  const found = new Map<string, Map<MainCondition, number>>();
  for (const { machine = "", mainCondition, count } of groups) {
    if (mainCondition === undefined) continue;
    const counts = found.get(machine) ?? new Map<MainCondition, number>();
    found.set(machine, counts.set(mainCondition, count));
  }
  return [...found]
    .map(([machine, counts]) => ({ machine, counts, total: totalOf(counts) }))
    .sort((a, b) => b.total - a.total || (a.machine < b.machine ? -1 : 1));
}

function addUp(machines: readonly MachineCounts[]): ConditionCounts {
  const sums = new Map<MainCondition, number>();
  for (const { counts } of machines) {
    for (const [condition, count] of counts) sums.set(condition, (sums.get(condition) ?? 0) + count);
  }
  return sums;
}

/** Returns how many stacks have one of the conditions; 0 while that is unknown. */
export function sumOf(counts: ConditionCounts | undefined, ...conditions: readonly MainCondition[]): number {
  return conditions.reduce((sum, condition) => sum + (counts?.get(condition) ?? 0), 0);
}

/** Returns how many stacks there are. */
export function totalOf(counts: ConditionCounts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** The conditions that need a person. */
export const NEEDS_PERSON = ["failed", "degraded", "overdue", "stalled", "approval"] as const;
