import type { MainCondition, StackCounts, StackFilter } from "@stackyard/sdk";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";
import { useLoad } from "./use-load.ts";

/** The number of stacks with each main condition. They add up to the total. */
export interface ConditionCounts {
  readonly all: ReadonlyMap<MainCondition, number>;
  /** Those among them that need a person, as the server decides. */
  readonly needy: ReadonlyMap<MainCondition, number>;
}

/** The stacks of one machine. */
export interface MachineCounts {
  readonly machine: string;
  readonly total: number;
  readonly counts: ConditionCounts;
}

/** Jobs have a list of their own: each is the run of a task, not an environment. */
export const NO_JOBS = { jobs: false } as const;

/** Returns the counts of stacks by main condition: of all machines and of each. Undefined while unknown. */
export function useMainConditions(filter: Omit<StackFilter, "waiting"> = NO_JOBS) {
  const query = useLoad(
    keys.count("main-conditions", filter),
    ({ signal }) => yard.stacks.counts(filter, { by: "mainCondition", signal }),
    { placeholderData: (before) => before },
  );
  const machines = query.data && toMachines(query.data);
  return { query, machines, counts: machines && addUp(machines) };
}

/** Groups counts by machine, the largest first. */
function toMachines({ groups }: StackCounts): readonly MachineCounts[] {
  return [...Map.groupBy(groups, ({ machine = "" }) => machine)]
    .map(([machine, own]) => {
      const counts = { all: countByCondition(own), needy: countByCondition(own.filter((group) => group.needsPerson)) };
      return { machine, counts, total: totalOf(counts) };
    })
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total || (a.machine < b.machine ? -1 : 1));
}

function addUp(machines: readonly MachineCounts[]): ConditionCounts {
  const sumUp = (name: keyof ConditionCounts) => addCounts(machines.flatMap(({ counts }) => [...counts[name]]));
  return { all: sumUp("all"), needy: sumUp("needy") };
}

function countByCondition(groups: StackCounts["groups"]): ReadonlyMap<MainCondition, number> {
  return addCounts(groups.flatMap(({ mainCondition: of, count }) => (of === undefined ? [] : [[of, count] as const])));
}

function addCounts(counts: readonly (readonly [MainCondition, number])[]): ReadonlyMap<MainCondition, number> {
  const sums = new Map<MainCondition, number>();
  for (const [condition, count] of counts) sums.set(condition, (sums.get(condition) ?? 0) + count);
  return sums;
}

/** Returns how many stacks have one of the conditions. */
export function sumOf(counts: ConditionCounts, ...conditions: readonly MainCondition[]): number {
  return conditions.reduce((sum, condition) => sum + (counts.all.get(condition) ?? 0), 0);
}

/** Returns how many stacks with one of the conditions need a person. */
export function needyOf(counts: ConditionCounts, ...conditions: readonly MainCondition[]): number {
  return conditions.reduce((sum, condition) => sum + (counts.needy.get(condition) ?? 0), 0);
}

/** Returns how many stacks there are. */
export function totalOf(counts: ConditionCounts): number {
  return [...counts.all.values()].reduce((sum, count) => sum + count, 0);
}

/** The conditions that may need a person, worst first. */
export const NEEDS_PERSON = ["failed", "degraded", "overdue", "stalled", "approval"] as const;
