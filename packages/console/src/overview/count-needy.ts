import type { Count } from "../api/use-load.ts";
import { type ConditionCounts, NEEDS_PERSON, needyOf } from "../api/use-main-conditions.ts";

/** The counts of what needs a person. Stacks and jobs are counted apart: the counts of a yard are of stacks, as are the badges of the rail. */
export interface Needy {
  readonly stacks: number;
  /** Jobs that have failed in the last day, as far as they are loaded. */
  readonly jobs: Count;
}

/** The newest failed jobs that are loaded: of so many it is not known whether there are more. */
export const MOST_JOBS = 10;

/** Counts what needs a person: for all parts of the overview. */
export function countNeedy(counts: ConditionCounts, jobs: Count): Needy {
  return { stacks: needyOf(counts, ...NEEDS_PERSON), jobs };
}

/** Formats `8 need attention, and 1 job has failed.` Of jobs that are not known it says nothing, or that they could not be loaded. */
export function formatNeedy({ stacks, jobs }: Needy): string {
  if (typeof jobs === "string") {
    const some = stacks === 0 ? "" : formatNeedy({ stacks, jobs: 0 });
    return jobs === "loading" ? some : `${some} Failed jobs could not be loaded.`.trim();
  }
  const ofStacks =
    stacks === 0 ? "None needs attention" : `${format(stacks)} ${stacks === 1 ? "needs" : "need"} attention`;
  if (jobs === 0) return `${ofStacks}.`;
  const ofJobs = `${formatJobs(jobs)} ${jobs === 1 ? "has" : "have"} failed`;
  return `${ofStacks}${stacks === 0 ? ", but" : ", and"} ${ofJobs}.`;
}

/** Formats `8 stacks, 1 job, by cause`. */
export function formatNeedyNote({ stacks, jobs }: Needy): string {
  const parts = [
    ...(stacks === 0 ? [] : [`${format(stacks)} ${stacks === 1 ? "stack" : "stacks"}`]),
    ...(typeof jobs === "string" || jobs === 0 ? [] : [formatJobs(jobs)]),
  ];
  return parts.length === 0 ? "" : `${parts.join(", ")}, by cause`;
}

function formatJobs(jobs: number): string {
  if (jobs === 1) return "1 job";
  return jobs < MOST_JOBS ? `${jobs} jobs` : `${jobs} or more jobs`;
}

function format(count: number): string {
  return count.toLocaleString("en");
}
