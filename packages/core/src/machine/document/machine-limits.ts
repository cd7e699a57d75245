/** What a document may cost. */
export interface MachineLimits {
  /** Bytes of the source in UTF-8. */
  readonly maxBytes: number;
  /** Maps and lists inside each other. */
  readonly maxDepth: number;
  /** Values of the document when every alias and merge is written out. */
  readonly maxNodes: number;
  readonly maxStates: number;
  readonly maxTasks: number;
  /** Of version 2: tasks that one state lists, and that one task needs. */
  readonly maxStateTasks: number;
  /** Of version 2: entries of all reactions; as many entries of all `after`. */
  readonly maxReactions: number;
  /** Problems that are listed. */
  readonly maxProblems: number;
}

/** The limits that hold when none are given. No source of 256 KiB without aliases comes near `maxNodes`. */
export const MACHINE_LIMITS: MachineLimits = {
  maxBytes: 256 * 1024,
  maxDepth: 64,
  maxNodes: 300_000,
  maxStates: 500,
  maxTasks: 500,
  maxStateTasks: 100,
  maxReactions: 2_000,
  maxProblems: 1_000,
};
