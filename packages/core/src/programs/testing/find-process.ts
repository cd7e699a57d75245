import { readFileSync } from "node:fs";

/** Returns the state and the parent of a process; undefined when it is gone. */
export function findProcess(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const [state = "", parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** A killed process without a parent stays as a zombie if no process collects it, as in a container. */
export function isAlive(pid: number): boolean {
  return (findProcess(pid)?.state ?? "Z") !== "Z";
}
