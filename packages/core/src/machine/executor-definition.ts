import type { TSchema } from "typebox";

/** What an executor's pure functions may look at besides the config. */
export interface TaskSubject {
  readonly stackId: string;
  readonly machine: string;
  readonly task: string;
  /** The account and region that the task works in, when it names a target. */
  readonly target?: TargetIdentity;
}

/** An AWS account and region. */
export interface TargetIdentity {
  readonly account: string;
  readonly region: string;
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
  /** False when `start` runs to the end inside one process. */
  readonly resumable: boolean;
  /** How long a cancel may take before the attempt ends without the executor's word. A duration such as `5m`. */
  readonly cancelWithin?: string;
  /** At most one live attempt a key in the yard; undefined means none. Pure. */
  exclusiveKey?(subject: TaskSubject, config: never): string | undefined;
  /** The executor's own limit and what it needs to end, in milliseconds. Pure. */
  timeout?(config: never): number | undefined;
}

/** Executors by name, as registered in a yard. */
export type ExecutorRegistry = ReadonlyMap<string, ExecutorDefinition>;
