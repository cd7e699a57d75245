import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { killGroup } from "./program.ts";

/** A variable by which a process is found again. */
export interface Mark {
  readonly name: "STACKYARD_STARTER" | "STACKYARD_PROGRAM" | "STACKYARD_TASK_ID";
  readonly value: string;
}

/** Returns a mark that no other process has. */
export function createMark(name: Mark["name"]): Mark {
  return { name, value: randomUUID() };
}

/**
 * Returns the processes of this user that were started with a variable and lead a group. What they have started has the
 * variable too, and is in their groups. The system of macOS hides the variables of its own programs.
 */
export async function findMarked({ name, value }: Mark): Promise<readonly number[]> {
  const text = `${name}=${value}`;
  return existsSync("/proc/self/environ") ? findInProc(text) : await findWithPs(text);
}

/** Kills what is left on this machine of programs with a mark, with their groups. */
export async function endMarked(mark: Mark): Promise<void> {
  for (const pid of await findMarked(mark)) killGroup(pid);
}

function findInProc(text: string): readonly number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return numbers.filter((number) => isMarkedLeader(number, text)).map(Number);
}

function isMarkedLeader(number: string, text: string): boolean {
  try {
    if (!readFileSync(`/proc/${number}/environ`, "utf8").split("\0").includes(text)) return false;
    // After the name, which may contain anything: the state, the parent and the group.
    const [, , group] = readFileSync(`/proc/${number}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return group === number;
  } catch {
    // It has ended, or is of another user.
    return false;
  }
}

async function findWithPs(text: string): Promise<readonly number[]> {
  const words = ["-axww", "-E", "-o", "pid=,pgid=,command="];
  const { stdout } = await promisify(execFile)("ps", words, { env: {}, maxBuffer: Number.POSITIVE_INFINITY });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, group] = /^\s*(\d+)\s+(\d+)\s/.exec(line) ?? [];
    return pid !== undefined && pid === group && line.includes(text) ? [Number(pid)] : [];
  });
}
