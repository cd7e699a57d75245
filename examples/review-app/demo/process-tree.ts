import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process as the system lists it. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly name: string;
}

/** Returns all descendants of a process. */
export async function listDescendants(pid: number): Promise<readonly RunningProcess[]> {
  const all = await listProcesses();
  const found: RunningProcess[] = [];
  let parents = new Set([pid]);
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map((child) => child.pid));
  }
  return found;
}

/** Kills a process, its descendants and their process groups with `kill -9`. Returns what was running below it. */
export async function killTree(pid: number): Promise<readonly RunningProcess[]> {
  const below = await stopTree(pid);
  const groups = new Set(below.filter(({ pid: own, group }) => own === group).map(({ group }) => group));
  for (const target of [pid, ...below.map((each) => each.pid), ...[...groups].map((group) => -group)]) {
    send(target, "SIGKILL");
  }
  return below;
}

/**
 * Stops a process and its descendants until no new ones are found. A process that starts between a listing and the kill
 * would otherwise keep running, and finish its work unnoticed.
 */
async function stopTree(pid: number): Promise<readonly RunningProcess[]> {
  const stopped = new Map<number, RunningProcess>();
  // A process that kills its own tree could not continue.
  if (pid !== process.pid) send(pid, "SIGSTOP");
  for (;;) {
    const found = (await listDescendants(pid)).filter((each) => !stopped.has(each.pid));
    if (found.length === 0) return [...stopped.values()];
    for (const each of found) {
      stopped.set(each.pid, each);
      send(each.pid, "SIGSTOP");
    }
  }
}

/** Lists processes: in /proc on Linux, even if `ps` is not installed, with `ps` on other systems. */
async function listProcesses(): Promise<readonly RunningProcess[]> {
  const pids = await readdir("/proc").catch(() => []);
  const numbers = pids.filter((name) => /^\d+$/.test(name));
  if (numbers.length === 0) return askPs();
  const stats = await Promise.all(numbers.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.flatMap((stat) => parseStat(stat) ?? []);
}

/**
 * Parses a line of /proc/PID/stat: `pid (name) state parent group …`; the name may contain anything, including
 * parentheses.
 */
export function parseStat(stat: string): RunningProcess | undefined {
  const [, pid, name = "", parent, group] = /^(\d+) \((.*)\) \S (\d+) (\d+) /s.exec(stat) ?? [];
  return pid === undefined ? undefined : toProcess({ pid, parent, group, name });
}

async function askPs(): Promise<readonly RunningProcess[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,pgid=,comm="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, group, name = ""] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [toProcess({ pid, parent, group, name })];
  });
}

function toProcess(texts: {
  readonly pid: string;
  readonly parent: string | undefined;
  readonly group: string | undefined;
  readonly name: string;
}): RunningProcess {
  const { pid, parent, group, name } = texts;
  // Node names the threads of its processes, and a process is listed by its first one.
  const shown = name === "MainThread" ? "node" : name;
  return { pid: Number(pid), parent: Number(parent), group: Number(group), name: shown };
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has already exited.
  }
}
