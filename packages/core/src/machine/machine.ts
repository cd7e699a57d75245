import type { CronSchedule } from "./cron.ts";
import type { MetadataPattern } from "./decide/metadata-pattern.ts";
import type { Problem } from "./document/problem-list.ts";
import type { Expression, Template } from "./expression/expression.ts";
import type { MetadataValue } from "./stack.ts";

/**
 * A compiled machine. Documents of every version compile into this one form, so `decide` is independent of versions.
 * All look-ups are Maps, so that a name such as `constructor` never resolves to a built-in.
 */
export interface Machine {
  readonly name: string;
  /** SHA-256 of name and source, lower-case hex: the identity of this revision. */
  readonly hash: string;
  /**
   * `follow`: every event is decided on the newest valid revision. `pin`: the stack keeps the one it was created with.
   */
  readonly revision: (typeof REVISION_MODES)[number];
  /** The version of the document, for display and upgrades. Differences in behavior are in `semantics`. */
  readonly version: 1 | 2;
  readonly semantics: MachineSemantics;
  /** External events that a message may carry. */
  readonly events: ReadonlySet<string>;
  /** Metadata keys that an event must contain, by event; an event without required keys is missing. */
  readonly requiredMetadata: ReadonlyMap<string, readonly string[]>;
  /**
   * Who may send an event, by event: evaluates to true or false for the sender. Anyone may send an event that is
   * missing.
   */
  readonly allow: ReadonlyMap<string, Expression>;
  readonly metadata: MetadataRules;
  /** Maps of `account`, `region`, `role`, `externalId`, resolved when a task is dispatched. */
  readonly targets: ReadonlyMap<string, Template>;
  readonly states: ReadonlyMap<string, State>;
  readonly tasks: ReadonlyMap<string, Task>;
}

/**
 * The differences between machines of the two document versions. `decide` reads these members and never the version.
 */
export interface MachineSemantics {
  /** Written into task messages as `dispatch.version`; undefined: the messages have no such key. */
  readonly messageVersion: 2 | undefined;
  /** The content of task messages: sensitive values, or references that a worker resolves with its claim. */
  readonly secretsInMessages: "values" | "references";
  /** An event from outside may have the name `NEXT`. */
  readonly acceptsNext: boolean;
  /** Tasks carry a `detail`, and a task that was cancelled or timed out an error code. */
  readonly taskDetails: boolean;
  /** Outputs of tasks are stored: in metadata where a task declares it, and for expressions of the same entry. */
  readonly storesOutputs: boolean;
  /** History lines of results contain the outputs and whether a failure may be retried. */
  readonly outputsInHistory: boolean;
  /** Entries are counted by state from the creation of a stack. A stack that has counts keeps counting in any case. */
  readonly countsVisits: boolean;
  /** The failure of an attempt with a stop request is the end of its cancel, not a separate failure. */
  readonly failureEndsCancel: boolean;
  /** The treatment of a result by name for a task that the stack left and does not wait for. */
  readonly lateAnswers: "stale" | "rejected";
  /** A stack is not removed while something that was made for it is known to be there. */
  readonly asksWhatIsLeft: boolean;
}

/** Version 1, and built-in machines. */
export const SEMANTICS_V1: MachineSemantics = {
  messageVersion: undefined,
  secretsInMessages: "values",
  acceptsNext: true,
  taskDetails: false,
  storesOutputs: false,
  outputsInHistory: false,
  countsVisits: false,
  failureEndsCancel: false,
  lateAnswers: "rejected",
  asksWhatIsLeft: false,
};

/** Version 2. */
export const SEMANTICS_V2: MachineSemantics = {
  messageVersion: 2,
  secretsInMessages: "references",
  acceptsNext: false,
  taskDetails: true,
  storesOutputs: true,
  outputsInHistory: true,
  countsVisits: true,
  failureEndsCancel: true,
  lateAnswers: "stale",
  asksWhatIsLeft: true,
};

/** One state of a compiled machine. */
export interface State {
  readonly name: string;
  /** The stack is removed when the state's tasks have all succeeded. */
  readonly terminal: boolean;
  /** Names of tasks, in the order of the document, each once. */
  readonly tasks: readonly string[];
  /** Approvals of earlier states: the tasks of this one are sent only while all of them count. */
  readonly approved: readonly string[];
  /** An event from outside that leads from here into a terminal state must confirm the stack's id. */
  readonly protected: boolean;
  /** From the entry; fires `TIMEOUT` once. */
  readonly timeoutMs?: number;
  /** The treatment of runs that are still alive when this state is entered. */
  readonly leaving: (typeof LEAVING_MODES)[number];
  /**
   * Reactions by event name: declared events, and `NEXT`, `FAILED` and `TIMEOUT`. The first whose `when` is true
   * counts.
   */
  readonly on: ReadonlyMap<string, readonly Reaction[]>;
  /** Events that the stack gets by itself while it is in this state. */
  readonly after: readonly AfterTimer[];
}

/** The reaction of a state to an event. */
export interface Reaction {
  /** Evaluates to true or false. Missing: always true. */
  readonly when?: Expression;
  /** The states to enter, one after the other; may be empty. */
  readonly advance: readonly string[];
  /** Metadata to set before the entry, by key. */
  readonly set: ReadonlyMap<string, Template>;
  /** An event that is decided next, in the same commit. */
  readonly raise?: string;
}

/** An event that a state sends itself. */
export type AfterTimer = AfterWhen & {
  readonly event: string;
  /** Identifies the timer in its state, in all revisions of the machine: by its event and when it is sent. */
  readonly key: string;
};

/** When a state sends itself an event. */
export type AfterWhen =
  /** So long after the state was entered. */
  | { readonly kind: "in"; readonly inMs: number }
  /**
   * At the instant that the expression gives; null: not at all. Evaluated on entry and after each change of the
   * metadata.
   */
  | { readonly kind: "at"; readonly at: InstantTemplate }
  /** At every instant of the schedule, until the state is left. */
  | { readonly kind: "cron"; readonly repeats: CronSchedule };

/** A text that resolves to an instant. */
export interface InstantTemplate extends Template {
  readonly source: string;
}

/** One task of a compiled machine. */
export interface Task {
  readonly name: string;
  /** The executor; undefined only where a v1 document leaves it out; such a task fails when it runs. */
  readonly executor?: string;
  /** True for a task of people: it has no attempt, and the stack contains the open approval. */
  readonly isApproval?: true;
  /** True for a task that sends events to other stacks. */
  readonly sends?: true;
  /** True for a task that only waits or looks: the stack rests while it runs. */
  readonly watches?: true;
  /**
   * The task's definition as it travels in task messages: validated and coerced, without the name. In version 2
   * `executor` and `config`, and in the message the resolved ones.
   */
  readonly definition: Readonly<Record<string, unknown>>;
  /** Only for a config with an expression: resolved and checked at each dispatch. */
  readonly dynamicConfig?: DynamicConfig;
  /** A name of the machine's targets. */
  readonly target?: string;
  /** Tasks of the same state that must have succeeded before. */
  readonly needs: readonly string[];
  /** False on entry: the task is skipped. */
  readonly when?: Expression;
  /** Evaluates to a text: at most one live run with this key in the whole yard. */
  readonly exclusive?: Expression;
  /** Who may send its result, in addition to its worker and senders with the permission for results. */
  readonly allow?: Expression;
  readonly retry: RetryPolicy;
  /** Names of outputs by the metadata key that they are stored under. */
  readonly outputs: ReadonlyMap<string, string>;
  /**
   * The longest time that an attempt may run from its first grant: the task's own, else the executor's, else the version's default.
   */
  readonly timeoutMs: number;
  /** The time limit of a cancel of an attempt, in milliseconds. */
  readonly cancelWithinMs: number;
}

/** Returns true for a task of people. */
export function isApprovalTask({ tasks }: Pick<Machine, "tasks">, name: string): boolean {
  return tasks.get(name)?.isApproval === true;
}

/** A config with expressions. */
export interface DynamicConfig {
  readonly template: Template;
  /**
   * Returns the fault of a resolved config by the executor's schema, or undefined. A reference may
   * replace any scalar.
   */
  findFault(config: unknown): string | undefined;
  /** Returns the executor's own limit for a resolved config, when the task has none. */
  findTimeoutMs(config: unknown): number | undefined;
}

/** The number of tries of a task, and the wait between attempts. */
export interface RetryPolicy {
  /** In total, the first one included. */
  readonly attempts: number;
  /** Before attempt n+1 it waits between 0 and min(to, from * factor^(n-1)). */
  readonly fromMs: number;
  readonly toMs: number;
  readonly factor: number;
  /** Codes of failures that are retried; absent: all that may be retried at all. */
  readonly only?: ReadonlySet<string>;
}

/** The schema of a machine's metadata. */
export interface MetadataRules {
  readonly keys: ReadonlyMap<string, MetadataRule>;
  /** False: a key that is not listed is refused. */
  readonly additional: boolean;
}

/** The values that a metadata key may have. */
export interface MetadataRule {
  readonly type?: (typeof METADATA_TYPES)[number];
  readonly required: boolean;
  readonly default?: MetadataValue;
  /** Searched unanchored. */
  readonly pattern?: MetadataPattern;
  readonly enum?: readonly MetadataValue[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly sensitive: boolean;
  readonly immutable: boolean;
  /** Only outputs of tasks and `set` write it; no event may bring it. */
  readonly readOnly?: boolean;
}

/** The result of parsing and compiling a document. The machine is missing when a problem is an error. */
export interface CompileResult {
  readonly machine?: Machine;
  /** Every error and warning, repeated keys first, then in the order of the document. */
  readonly problems: readonly Problem[];
}

/** The values of `revision` of a machine. */
export const REVISION_MODES = ["pin", "follow"] as const;
/** The values of `leaving` of a state. */
export const LEAVING_MODES = ["abandon", "wait", "cancel"] as const;
/** The values of `type` of a metadata key. */
export const METADATA_TYPES = ["string", "number", "boolean"] as const;

/** An AWS account, as the text of a regular expression. */
export const ACCOUNT = "^[0-9]{12}$";

/** The name of the built-in machine of jobs: one task, which can be tried again. */
export const JOB_MACHINE = "stackyard.run";

/** Reserved: fires when the last task is completed. */
export const NEXT = "NEXT";
/** Reserved in machine v2: fires when the stack has been in a state for its `timeout`. */
export const TIMEOUT = "TIMEOUT";
/** Reserved in machine v2 and built-in machines: fires when all tasks have ended and one has failed. */
export const FAILED = "FAILED";
/** The state in which every stack begins. */
export const INIT = "INIT";

/** The values of version 2's fields in a machine without them. */
export const PLAIN_MACHINE = {
  version: 1,
  semantics: SEMANTICS_V1,
  requiredMetadata: new Map(),
  allow: new Map(),
  metadata: { keys: new Map(), additional: true },
  targets: new Map(),
} as const satisfies Partial<Machine>;

/** As `PLAIN_MACHINE`, for a state. */
export const PLAIN_STATE = {
  approved: [],
  protected: false,
  leaving: "abandon",
  after: [],
} as const satisfies Partial<State>;

/** As `PLAIN_MACHINE`, for a task: tried once. */
export const PLAIN_TASK = {
  needs: [],
  retry: { attempts: 1, fromMs: 1_000, toMs: 60_000, factor: 2 },
  outputs: new Map(),
} as const satisfies Partial<Task>;

/** Returns a reaction without a condition that enters these states. */
export function toReactions(advance: readonly string[]): readonly Reaction[] {
  return [{ advance, set: NO_SETS }];
}

const NO_SETS: ReadonlyMap<string, Template> = new Map();
