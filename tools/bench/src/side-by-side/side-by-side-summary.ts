import type { LatencySummary } from "./latency-summary.ts";
import type { DrainSummary, Ratio } from "./summary.ts";

/** Everything that one run found. */
export interface SideBySideSummary {
  readonly drains: readonly DrainSummary[];
  readonly ratios: readonly Ratio[];
  readonly latencies: readonly LatencySummary[];
}
