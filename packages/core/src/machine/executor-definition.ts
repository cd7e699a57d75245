import type { TSchema } from "typebox";
import { DEFAULT_CANCEL_WITHIN_MS } from "./decide/runs.ts";
import { parseDuration } from "./document/duration.ts";

/** The input of an executor's pure functions in addition to the config. */
export interface TaskSubject {
  readonly stackId: string;
  readonly machine: string;
  readonly task: string;
  /** The account and region of the task, when it names a target. */
  readonly target?: TargetIdentity;
}

/** An AWS account and region. */
export interface TargetIdentity {
  readonly account: string;
  readonly region: string;
}

/** A task's config as the document has it. */
export type DocumentConfig = Readonly<Record<string, unknown>>;

/**
 * Where `checkConfig` reports problems. A path lists the keys from the top of the config to a value; the path of a
 * missing key reports at the map that lacks it. Codes are kebab-case.
 */
export interface ConfigReport {
  /** The version of the document. In version 1 a config that fails when it runs is a warning, in version 2 an error. */
  readonly version: 1 | 2;
  error(code: string, path: readonly string[], message: string): void;
  warn(code: string, path: readonly string[], message: string): void;
  /**
   * Reports each key of the map at `path` that is not among `known`; `owner` is the noun for the map, such as `a
   * source`.
   */
  unknownKeys(path: readonly string[], keys: { known: readonly string[]; code: string; owner: string }): void;
  /** Warns of unquoted YAML values at or below `path` that other readers of YAML take for something else. */
  ambiguousScalars(path: readonly string[]): void;
  /** Returns the value at `path` in a few words for a message: `a map`, `"text"`, `the number 5`. */
  describe(path: readonly string[]): string;
  /** Returns a text for a message: quoted, escaped and bounded. */
  quote(text: string): string;
  /** Returns the end of a message about an unknown name: the nearest known name, else all known names. */
  suggest(name: string | undefined, known: readonly string[]): string;
  /**
   * Returns true when the value at `path` is a text with an expression, which is resolved when the task is dispatched.
   */
  hasExpression(path: readonly string[]): boolean;
}

/** Where `checkTasks` reports problems; `path` starts at the config of the task. */
export interface TasksReport {
  /** The version of the document. */
  readonly version: 1 | 2;
  /** The name of the machine. */
  readonly machine: string;
  error(code: string, place: { readonly task: string; readonly path: readonly string[] }, message: string): void;
  warn(code: string, place: { readonly task: string; readonly path: readonly string[] }, message: string): void;
  /** Returns a text for a message: quoted, escaped and bounded. */
  quote(text: string): string;
  /** Returns the tasks that must succeed before this one starts: `needs` of version 2. */
  listNeeds(task: string): readonly NeededTask[];
  /** Returns all tasks of the machine, also those of other executors. */
  listTasks(): readonly NeededTask[];
  /** Returns the names of the machine's states. */
  listStates(): readonly string[];
  /**
   * Returns the terminal states in which a stack can end after the state of a task, without a state that has one of the
   * other tasks.
   */
  listEndsAfter(task: string, without: ReadonlySet<string>): readonly string[];
  /** Returns the end of a message about an unknown name: the nearest known name, else all known names. */
  suggest(name: string, known: readonly string[]): string;
}

/** A task as others see it. */
export interface NeededTask {
  readonly name: string;
  readonly executor?: string;
  readonly config?: DocumentConfig;
}

/**
 * The part of an executor that the compiler, the engine and editors need. It imports no SDK, so a plugin's
 * `./definition` subpath can be loaded in a browser.
 */
export interface ExecutorDefinition {
  readonly name: string;
  /** Schema of a task's `config`; checked when the machine is loaded and again before `start`. */
  readonly config: TSchema;
  /** Schema of the progress that a suspended attempt keeps. */
  readonly progress?: TSchema;
  /** Schema of the outputs of a succeeded step. */
  readonly outputs?: TSchema;
  /** False when `start` needs a runner without a time limit, because it runs to the end in one process. */
  readonly resumable: boolean;
  /** False when configs are stored and shown by the yard: then a sensitive value in one is an error of the document. */
  readonly takesSecrets?: false;
  /**
   * Where the service behind it stores and shows configs in clear, and what to do instead: then a sensitive value in one is a
   * warning with this text.
   */
  readonly showsConfig?: string;
  /** True when its tasks send events to other stacks: then those who have requested them are remembered. */
  readonly sends?: true;
  /** True when its tasks only wait or look, for as long as the state lasts: a stack rests while one runs, and leaving one leaves no work. */
  readonly watches?: true;
  /** The time that a cancel has before the attempt ends without the executor's result. A duration such as `5m`. */
  readonly cancelWithin?: string;
  /** Returns a key with at most one live attempt in the yard; undefined for no key. Pure. */
  exclusiveKey?(subject: TaskSubject, config: never): string | undefined;
  /** Returns the executor's own limit, with the time that it needs to end, in milliseconds. Pure. */
  timeout?(config: never): number | undefined;
  /**
   * Checks the config of a task when its machine is loaded, instead of the check by schema: with its own codes and
   * messages, and leniently where a document of version 1 may contain something that only fails when it runs. A task of
   * version 1 without an executor is checked by the executor whose `checkConfig` reports the fewest errors. Pure.
   */
  checkConfig?(config: DocumentConfig, report: ConfigReport): void;
  /** Checks the configs of all tasks of one machine that use this executor, by the name of the task. Pure. */
  checkTasks?(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void;
  /**
   * JSON Schemas of a config in documents of the two versions, for editors. Expressions are texts there. Without `v1` the
   * executor needs version 2.
   */
  readonly documentSchemas?: { readonly v1?: TSchema; readonly v2: TSchema };
}

/** Executors by name, as registered in a yard. */
export type ExecutorRegistry = ReadonlyMap<string, ExecutorDefinition>;

/**
 * Returns the executor's own time limit for a config that it accepts, in milliseconds; undefined when it has none, or
 * returns an invalid value. Throws the executor's errors.
 */
export function findTimeoutMs(definition: ExecutorDefinition | undefined, config: unknown): number | undefined {
  // The definition's own schema types its config, and only the caller can ensure that they belong together.
  const ms: unknown = definition?.timeout?.(config as never);
  return typeof ms === "number" && Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}

/** Returns how long a cancel may take, in milliseconds: the executor's value, else five minutes. */
export function toCancelWithinMs(definition: Pick<ExecutorDefinition, "cancelWithin"> | undefined): number {
  return parseDuration(definition?.cancelWithin ?? "") ?? DEFAULT_CANCEL_WITHIN_MS;
}
