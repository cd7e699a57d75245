import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 10;

/**
 * Stops the first process of a server, and returns the ids of all, the first one first: each connection has one, in a group of
 * its own. While the first one is stopped it starts no others, which a signal to those known would miss.
 */
export function holdServerProcesses(firstPid: number): readonly number[] {
  signalAll([firstPid], "SIGSTOP");
  try {
    // The kernel takes microseconds.
    while (!HELD.has(readState(firstPid)));
    const children = readFileSync(`/proc/${firstPid}/task/${firstPid}/children`, "utf8");
    return [firstPid, ...children.split(" ").filter(Boolean).map(Number)];
  } catch {
    // Without these files, the others end on their own, a little after the first one.
    return [firstPid];
  }
}

/** Stopped, or ended (proc_pid_stat(5)). */
const HELD: ReadonlySet<string> = new Set(["T", "t", "Z", "X"]);

/** The name of the program, in parentheses, can hold anything. */
function readState(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.charAt(stat.lastIndexOf(")") + 2);
}

/** Sends a signal to each; processes that have ended are skipped. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) isAlive(pid, signal);
}

/** Resolves when all have ended: until then the server's memory is in use, and another cannot start in its folder. */
export async function waitUntilEnded(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid, 0))) await sleep(LOOK_EVERY_MS);
}

function isAlive(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
