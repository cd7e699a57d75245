import type { ExecutorRegistry } from "../executor-definition.ts";
import type { Field, Path, Place } from "./tree.ts";
import { findNearestName, listNames, suggest } from "./wording.ts";

/** The input of every rule in addition to its part of the document. */
export interface CompileContext {
  readonly name: string;
  /** Of the document: a warning of version 1 about something that fails at run time is an error in version 2. */
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
  /** Of version 2: tasks that one state lists, and that one task needs. */
  readonly maxStateTasks: number;
  /** Of version 2: entries of all reactions; as many entries of all `after`. */
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

/** One fault of a document, with its position. Codes are kebab-case and never renamed. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly code: string;
  /**
   * Keys joined by dots, such as `states.UP.on.NEXT.0.state`, also of a key that is missing; empty for the document
   * itself.
   */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The fault, with the offending value and, for unknown names, the nearest known one. */
  readonly message: string;
}

const MAX_SEGMENT = 128;

/** The position of a fault. */
export interface Spot {
  readonly path: Path;
  readonly at: Place;
}

/** Collects the faults of one document. */
export interface ProblemList {
  error(code: string, spot: Spot, message: string): void;
  /** Adds a warning; an error in strict mode. */
  warn(code: string, spot: Spot, message: string): void;
  /** Returns true as soon as one fault is an error, in strict mode also a warning. */
  hasErrors(): boolean;
  /** Calls of `error`, repeated faults included. Strict mode does not change it. */
  countErrors(): number;
  /** Returns the problems in the order of the document. */
  toProblems(): readonly Problem[];
}

/** How a list of problems behaves. */
interface ProblemListOptions {
  readonly strict: boolean;
  /** Problems beyond this number are not listed; one problem `limit-exceeded` replaces them. */
  readonly maxProblems: number;
}

/**
 * Creates a list that lists a fault in a part that several aliases use once, under the first path: places are shared
 * objects, one for each node of the source, so the same place, code and message are the same fault.
 */
export function createProblemList({ strict, maxProblems }: ProblemListOptions): ProblemList {
  const problems: Problem[] = [];
  const seen = new Map<Place, Set<string>>();
  let errors = 0;
  let warnings = 0;

  function add(severity: Problem["severity"], code: string, { path, at }: Spot, message: string): void {
    const faults = seen.get(at) ?? new Set();
    if (problems.length > maxProblems || faults.has(`${code} ${message}`)) return;
    seen.set(at, faults.add(`${code} ${message}`));
    problems.push(
      problems.length === maxProblems
        ? toProblem("error", "limit-exceeded", { path: [], at }, `Only the first ${maxProblems} problems are listed.`)
        : toProblem(severity, code, { path, at }, message),
    );
  }

  return {
    error(code, spot, message) {
      errors += 1;
      add("error", code, spot, message);
    },
    warn(code, spot, message) {
      warnings += 1;
      add(strict ? "error" : "warning", code, spot, message);
    },
    hasErrors: () => errors > 0 || (strict && warnings > 0),
    countErrors: () => errors,
    toProblems: () => problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
  };
}

function toProblem(severity: Problem["severity"], code: string, { path, at }: Spot, message: string): Problem {
  const segments = path.map((key) => (key.length > MAX_SEGMENT ? `${key.slice(0, MAX_SEGMENT)}…` : key));
  return { severity, code, path: segments.join("."), line: at.line, column: at.column, message };
}
