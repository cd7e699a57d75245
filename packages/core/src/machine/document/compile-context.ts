import type { ExecutorRegistry } from "../executor-definition.ts";
import type { ProblemList, Spot } from "./problem-list.ts";
import type { Field, MapNode } from "./tree.ts";
import { findNearestName, listNames, suggest } from "./wording.ts";

/** What every rule needs besides its part of the document. */
export interface CompileContext {
  readonly name: string;
  /** Of the document: what was only warned about in 1 because it fails when it runs is an error in 2. */
  readonly version: DocumentVersion;
  readonly problems: ProblemList;
  readonly limits: MachineLimits;
  readonly executors: ExecutorRegistry;
  /** Executors that runners have, though no definition is here. */
  readonly uncheckedExecutors: ReadonlySet<string>;
  /** True when no executors were given: any name is accepted, and configs are not checked. */
  readonly anyExecutor: boolean;
  /** True for a revision that a store keeps: what is refused in new documents only must not make it unusable. */
  readonly isKept: boolean;
}

/** Where to report a problem of a value. */
export function onValue(field: Field): Spot {
  return { path: field.path, at: field.node.at };
}

/** Where to report a problem of a key. */
export function onKey(field: Field): Spot {
  return { path: field.path, at: field.keyAt };
}

/** Where to report that a map lacks a key: under the path that the key would have, at the map. */
export function onMissing(map: Field, key: string): Spot {
  return { path: [...map.path, key], at: map.keyAt };
}

/** The end of a message about a name that is not among the known ones. */
export function suggestFrom(name: string, known: Iterable<string>): string {
  return suggest(findNearestName(name, known));
}

/** As `suggestFrom`, for short closed lists: without a near name all are listed. */
export function suggestOrList(name: string, known: readonly string[]): string {
  return suggestFrom(name, known) || ` Known: ${listNames(known)}.`;
}

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

/** Versions of documents that can be compiled. */
export type DocumentVersion = 1 | 2;

/** Keys that only version 2 has at the top. */
export const KEYS_OF_2: readonly string[] = ["description", "metadata", "additionalMetadata", "targets", "revision"];

/**
 * Whose rules judge a document: those of the version that it names, also as a text; where it names none that there is,
 * those of the version that it looks like.
 */
export function findVersion({ entries }: MapNode): DocumentVersion {
  const version = entries.get("version")?.value;
  const value = version?.kind === "scalar" ? version.value : undefined;
  if (value === 1 || value === "1") return 1;
  if (value === 2 || value === "2") return 2;
  const looksLike2 = entries.get("events")?.value.kind === "map" || KEYS_OF_2.some((key) => entries.has(key));
  return looksLike2 ? 2 : 1;
}
