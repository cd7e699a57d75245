import { parseDuration } from "@stackyard/core/machine";

// Below, a busy machine loses leases that it still works under; above, a crash is noticed too late.
const SHORTEST_MS = 1_000;
const LONGEST_MS = 3_600_000;

/** A worker's lease in milliseconds; undefined for what is no duration or none of use. */
export function toLeaseMs(lease: string): number | undefined {
  const ms = parseDuration(lease);
  return ms !== undefined && ms >= SHORTEST_MS && ms <= LONGEST_MS ? ms : undefined;
}
