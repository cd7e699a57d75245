import type { FleetCounts } from "@stackyard/executor-runcommand";

const WIDTH = 40;
const MINUTE_MS = 60_000;

/** Formats the state of a run as one line: its time, a bar, and the number of instances in each state. */
export function toProgressLine(counts: FleetCounts, elapsedMs: number): string {
  const { selected, succeeded, failed, running, notSent } = counts;
  return [
    toTime(elapsedMs).padStart(6),
    toBar(counts),
    `${succeeded} of ${selected} done`,
    `${running} at work`,
    `${notSent} waiting`,
    `${failed} failed`,
  ].join("  ");
}

/**
 * Formats a bar: `#` has succeeded, `x` has failed, `>` is running. Failures are always visible, however few there are.
 */
function toBar({ selected, succeeded, failed, running }: FleetCounts): string {
  const share = (count: number) => Math.floor((count * WIDTH) / Math.max(1, selected));
  const failing = failed === 0 ? 0 : Math.max(1, share(failed));
  const parts = `${"#".repeat(share(succeeded))}${">".repeat(share(running))}`.slice(0, WIDTH - failing);
  return `[${parts}${" ".repeat(WIDTH - failing - parts.length)}${"x".repeat(failing)}]`;
}

function toTime(ms: number): string {
  const seconds = String(Math.floor((ms % MINUTE_MS) / 1_000)).padStart(2, "0");
  return `${Math.floor(ms / MINUTE_MS)}:${seconds}`;
}
