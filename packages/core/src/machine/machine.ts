import type { Problem } from "./problem.ts";

/**
 * A compiled machine. Documents of every version compile into this one form, and `decide` knows no version.
 * All look-ups are Maps, so that a name such as `constructor` never resolves to a built-in.
 */
export interface Machine {
  readonly name: string;
  /** SHA-256 of name and source, lower-case hex: the identity of this revision. */
  readonly hash: string;
  /** `follow`: every event is decided on the newest valid revision. `pin`: the stack keeps the one it was created with. */
  readonly revision: "follow" | "pin";
  /** External events that a message may carry. */
  readonly events: ReadonlySet<string>;
  readonly states: ReadonlyMap<string, State>;
  readonly tasks: ReadonlyMap<string, Task>;
}

/** One state of a compiled machine. */
export interface State {
  readonly name: string;
  /** The stack is removed when the state's tasks have all succeeded. */
  readonly terminal: boolean;
  /** Names of tasks, in the order of the document, each once. */
  readonly tasks: readonly string[];
  /** Reactions by event name; besides declared events `NEXT` and `FAILED`. */
  readonly on: ReadonlyMap<string, Reaction>;
  /** Events that the stack gets when it has been in this state for so long. */
  readonly after: readonly AfterTimer[];
}

/** What a state does on an event: the states to enter, one after the other; empty: nothing happens. */
export interface Reaction {
  readonly advance: readonly string[];
}

/** An event that is due a while after the state was entered. */
export interface AfterTimer {
  readonly inMs: number;
  readonly event: string;
}

/** One task of a compiled machine. */
export interface Task {
  readonly name: string;
  /** Undefined only where a v1 document leaves it out; such a task fails when it runs. */
  readonly executor?: string;
  /** The task's definition as it travels in task messages: validated and coerced, without the name. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** How long an attempt may run from its first grant: the task's own, else the executor's, else the version's default. */
  readonly timeoutMs: number;
  /** How long a cancel of an attempt may take. */
  readonly cancelWithinMs: number;
}

/** What parsing and compiling a document gives. A machine is there only when no problem is an error. */
export interface CompileResult {
  readonly machine?: Machine;
  /** Every error and warning, in the order of the document. */
  readonly problems: readonly Problem[];
}

/** Reserved: what a task's last completion fires. */
export const NEXT = "NEXT";
/** Reserved in machine v2 and built-in machines: what fires when no task runs any more and one has failed. */
export const FAILED = "FAILED";
/** The state in which every stack begins. */
export const INIT = "INIT";
