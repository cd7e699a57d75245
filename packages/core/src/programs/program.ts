import type { Readable } from "node:stream";

/** The end of a program. */
export interface ChildEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True if the process that had started it was gone before: then the program was ended, and how is not known. */
  readonly lost?: true;
}

/** A program to start without a shell, as the leader of a process group of its own. */
export interface ProgramInput {
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  /** All variables that it gets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who runs it, without further groups. Only root can choose. Default: the user of this process. */
  readonly user?: ProgramUser | undefined;
}

/** A user and a group of the system, by number. */
export interface ProgramUser {
  readonly uid: number;
  readonly gid: number;
}

/** One whose output goes to files that exist, at their ends. It outlives the process that has started it. */
export interface FiledInput extends ProgramInput {
  readonly out: string;
  readonly err: string;
}

/** One whose output is read as it comes. It ends with the process that has started it. */
export interface PipedInput extends ProgramInput {
  readonly stdin: string;
  /** True to keep standard input open after `stdin`, so that the program detects the end of this process. */
  readonly holdStdin: boolean;
}

/** A program that runs. */
export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
}

/** A program that runs, and its output. What is not read stops the program; what is no longer wanted is to be destroyed. */
export interface PipedProgram extends RunningProgram {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Descriptor 3. */
  readonly result: Readable;
  /** Kills it with what it has started, without a warning. */
  kill(): void;
}

/** Signals a process group. Returns false if it does not exist, or the system has no groups. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Kills a process group. Returns false if it does not exist, or the system has no groups. */
export function killGroup(pid: number): boolean {
  return signalGroup(pid, "SIGKILL");
}
