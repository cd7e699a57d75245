import type { ExecutorRegistry } from "../executor-definition.ts";
import type { DocumentVersion } from "./find-version.ts";
import type { MachineLimits } from "./machine-limits.ts";
import { findNearestName } from "./nearest-name.ts";
import type { ProblemList, Spot } from "./problem-list.ts";
import type { Field } from "./tree.ts";
import { listNames, suggest } from "./wording.ts";

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

/** Where to report that something stands at a value. */
export function onValue(field: Field): Spot {
  return { path: field.path, at: field.node.at };
}

/** Where to report that something concerns a key. */
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
