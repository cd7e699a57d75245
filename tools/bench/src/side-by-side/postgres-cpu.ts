import { readdirSync, readFileSync } from "node:fs";

// What /proc counts in: USER_HZ, 100 on every Linux that Node runs on (proc_pid_stat(5), sysconf(_SC_CLK_TCK)).
const TICKS_PER_SECOND = 100;

/**
 * Returns the CPU time of a Postgres server so far, in milliseconds: its main process, all that live under it, and all
 * that have ended.
 */
export function readPostgresCpuMs(mainPid: number): number {
  let ticks = 0;
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (stat === undefined) continue;
    // A process that has ended is in the sum of its parent's children.
    if (pid === mainPid) ticks += stat.ownTicks + stat.childrenTicks;
    else if (stat.parentPid === mainPid) ticks += stat.ownTicks;
  }
  return (ticks * 1_000) / TICKS_PER_SECOND;
}

/** Parses parent and CPU time of a process in its `stat` line. The second field may contain spaces and brackets. */
export function parseStat(line: string): {
  readonly parentPid: number;
  readonly ownTicks: number;
  readonly childrenTicks: number;
} {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  // Counted from the third field of the line, which is the first one here.
  const at = (field: number) => Number(fields[field - 3]);
  return { parentPid: at(4), ownTicks: at(14) + at(15), childrenTicks: at(16) + at(17) };
}

function readStat(pid: number): ReturnType<typeof parseStat> | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // It has ended since the list was read.
    return undefined;
  }
}
