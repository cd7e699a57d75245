import type { ExecutorRegistry } from "../executor-definition.ts";
import type { ProblemList, Spot } from "./problem-list.ts";
import type { Field } from "./tree.ts";
import { findNearestName, listNames, suggest } from "./wording.ts";

/** The input of every rule in addition to its part of the document. */
export interface CompileContext {
  readonly name: string;
  /** The version of the document: a warning of version 1 about something that fails at run time is an error in version 2. */
  readonly version: DocumentVersion;
  readonly problems: ProblemList;
  readonly limits: MachineLimits;
  readonly executors: ExecutorRegistry;
  /** Executors that runners have, though no definition is here. */
  readonly uncheckedExecutors: ReadonlySet<string>;
  /** True when no executors were given: any name is accepted, and configs are not checked. */
  readonly anyExecutor: boolean;
  /** True for a stored revision: rules that only apply to new documents must not make it unusable. */
  readonly isKept: boolean;
}

/** Returns where to report a problem of a value. */
export function onValue(field: Field): Spot {
  return { path: field.path, at: field.node.at };
}

/** Returns where to report a problem of a key. */
export function onKey(field: Field): Spot {
  return { path: field.path, at: field.keyAt };
}

/** Returns where to report that a map lacks a key: under the path that the key would have, at the map. */
export function onMissing(map: Field, key: string): Spot {
  return { path: [...map.path, key], at: map.keyAt };
}

/** Returns the end of a message about an unknown name. */
export function suggestFrom(name: string, known: Iterable<string>): string {
  return suggest(findNearestName(name, known));
}

/** Suggests as `suggestFrom`, for short closed lists: without a near name it lists all. */
export function suggestOrList(name: string, known: readonly string[]): string {
  return suggestFrom(name, known) || ` Known: ${listNames(known)}.`;
}

/** The limits of a document. */
export interface MachineLimits {
  /** Bytes of the source in UTF-8. */
  readonly maxBytes: number;
  /** Maps and lists inside each other. */
  readonly maxDepth: number;
  /** Values of the document when every alias and merge is written out. */
  readonly maxNodes: number;
  readonly maxStates: number;
  readonly maxTasks: number;
  /** The most tasks that one state of version 2 lists, and that one task needs. */
  readonly maxStateTasks: number;
  /** The most entries of all reactions of version 2, and of all `after`. */
  readonly maxReactions: number;
  /** Problems that are listed. */
  readonly maxProblems: number;
}

/** The default limits. A source of 256 KiB without aliases never reaches `maxNodes`. */
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

/** Versions of documents that can be compiled. */
export type DocumentVersion = 1 | 2;
