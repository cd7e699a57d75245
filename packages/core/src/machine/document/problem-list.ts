import { cutText } from "../cut-text.ts";
import type { Path, Place } from "./tree.ts";

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
  /** Returns the problems in the order of the document, but repeated keys first: most others follow from what they hide. */
  toProblems(): readonly Problem[];
}

/** The options of a list of problems. */
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
    toProblems: () => problems.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column),
  };
}

function rank({ severity, code }: Problem): number {
  return severity === "error" && code === "duplicate-mapping-key" ? 0 : 1;
}

function toProblem(severity: Problem["severity"], code: string, { path, at }: Spot, message: string): Problem {
  const segments = path.map((key) => cutText(key, MAX_SEGMENT));
  return { severity, code, path: segments.join("."), line: at.line, column: at.column, message };
}
