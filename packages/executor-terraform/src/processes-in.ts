import { readdir, readFile, readlink } from "node:fs/promises";
import { sep } from "node:path";

/**
 * Asks what works inside a folder to stop; true when there was something. Leaders of a process group stop what belongs
 * to them themselves; what is left without one is killed. Knows processes only where the system shows them as files
 * under /proc.
 */
export async function stopProcessesIn(folder: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch((): string[] => [])).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(pids.map((pid) => worksIn(pid, folder)));
  const found = pids.filter((_pid, index) => inside[index]);
  const leads = await Promise.all(found.map(isGroupLeader));
  const leaders = found.filter((_pid, index) => leads[index]);
  if (leaders.length > 0) for (const pid of leaders) kill(pid, "SIGINT");
  else for (const pid of found) kill(pid, "SIGKILL");
  return found.length > 0;
}

async function worksIn(pid: string, folder: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return cwd === folder || cwd.startsWith(folder + sep);
}

/** The program was made a leader when it was started; its providers and provisioners are not. */
async function isGroupLeader(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // `pid (name) state ppid pgrp …`, where the name may hold anything (proc(5)).
  const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === pid;
}

function kill(pid: string, signal: NodeJS.Signals): void {
  try {
    process.kill(Number(pid), signal);
  } catch {
    // It ended by itself.
  }
}
