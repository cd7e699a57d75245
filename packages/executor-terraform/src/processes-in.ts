import { readdir, readFile, readlink } from "node:fs/promises";
import { sep } from "node:path";

/**
 * Asks every process group whose leader works inside a folder to stop; true when there was one. Knows processes only
 * where the system shows them as files under /proc.
 */
export async function interruptProcessesIn(folder: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch((): string[] => [])).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(pids.map((pid) => worksIn(pid, folder)));
  const found = pids.filter((_pid, index) => inside[index]);
  const leaders = await Promise.all(found.map(isGroupLeader));
  for (const pid of found.filter((_pid, index) => leaders[index])) interrupt(Number(pid));
  return found.length > 0;
}

async function worksIn(pid: string, folder: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return cwd === folder || cwd.startsWith(folder + sep);
}

/** Only the program itself was made a leader by us; its providers and provisioners are stopped by it. */
async function isGroupLeader(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // `pid (name) state ppid pgrp …`, where the name may hold anything (proc(5)).
  const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === pid;
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch {
    // It ended by itself.
  }
}
