import type { SimulationRun } from "@stackyard/core/testing";

/** What many runs were, added up. */
export interface Summary {
  readonly seeds: number;
  readonly failed: number;
  readonly steps: number;
  /** Simulated time. */
  readonly hours: number;
  /** How often each kind of fault has happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each invariant was checked. */
  readonly checks: Readonly<Record<string, number>>;
}

/** Nothing was run. */
export const NO_RUNS: Summary = { seeds: 0, failed: 0, steps: 0, hours: 0, faults: {}, checks: {} };

const HOUR_MS = 3_600_000;

/** Returns the summary with one more run. */
export function addRun(summary: Summary, run: SimulationRun): Summary {
  return {
    seeds: summary.seeds + 1,
    failed: summary.failed + (run.violations.length > 0 ? 1 : 0),
    steps: summary.steps + run.steps,
    hours: summary.hours + run.lastedMs / HOUR_MS,
    faults: addCounts(summary.faults, run.counts),
    checks: addCounts(summary.checks, run.checks),
  };
}

/** Formats the summary for people. */
export function printSummary({ seeds, failed, steps, hours, faults, checks }: Summary, seconds: number): string {
  const perMinute = seconds > 0 ? Math.round((seeds / seconds) * 60) : seeds;
  return [
    `${seeds} seeds, ${failed} failed: ${steps} steps, ${Math.round(hours)} simulated hours in ${seconds.toFixed(1)} s (${perMinute} seeds a minute)`,
    `faults: ${printCounts(faults)}`,
    `checks: ${printCounts(checks)}`,
  ].join("\n");
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function printCounts(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
