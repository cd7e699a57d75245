import type { ChildProcess } from "node:child_process";

const live = new Set<ChildProcess>();

/** Sees to it that the program, and what it started, does not outlive this process. */
export function keepTrack(child: ChildProcess): void {
  if (live.size === 0) process.on("exit", killAll);
  live.add(child);
  child.once("exit", () => {
    live.delete(child);
    if (live.size === 0) process.off("exit", killAll);
  });
}

/** Ends a program that leads its own process group, with all that it started. It has no say in it, as in Lambda. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone, or this system has none.
    child.kill("SIGKILL");
  }
}

function killAll(): void {
  for (const child of live) killGroup(child);
}
