import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 10;

/** Ids of a server's processes, the first one first: each connection has one, in a group of its own. */
export function listServerProcesses(firstPid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${firstPid}/task/${firstPid}/children`, "utf8");
    return [firstPid, ...children.split(" ").filter(Boolean).map(Number)];
  } catch {
    // Without this file, the others end on their own, a little after the first one.
    return [firstPid];
  }
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
