import { RE2JS } from "re2js";
import { toLinearSyntax } from "./linear-syntax.ts";

/** What a text of metadata is searched for. */
export type MetadataPattern = LinearPattern | RefusedPattern;

/** A pattern that is searched in time linear in the text. */
export interface LinearPattern {
  readonly kind: "linear";
  readonly source: string;
  /** `too-long`: the text was not searched, because that would take too many steps. */
  search(text: string): "found" | "not-found" | "too-long";
}

/** A pattern of JavaScript that only a backtracking engine can run, and so none runs it. */
export interface RefusedPattern {
  readonly kind: "not-linear";
  readonly source: string;
  /** What the engine lacks, such as `the look-ahead "(?="`. */
  readonly construct: string;
}

/** The most characters of a pattern. */
export const MAX_PATTERN = 1_000;

/** Instructions of the program times characters of the text; at the worst they take about a second. */
const MAX_SEARCH_STEPS = 20_000_000;

/**
 * Compiles a regular expression in JavaScript's syntax with the flag `u`, searched unanchored. Texts come from outside, and
 * a backtracking engine may take exponential time, so RE2 searches all of them, and a pattern that RE2 cannot run is
 * `not-linear`. Throws a `SyntaxError` for what is not a regular expression.
 */
export function createMetadataPattern(source: string): MetadataPattern {
  // Only read, never run: it reports faults of the syntax.
  new RegExp(source, "u");
  const linear = toLinearSyntax(source);
  if (linear.kind === "refused") return { kind: "not-linear", source, construct: linear.construct };
  try {
    const program = RE2JS.compile(linear.syntax);
    return { kind: "linear", source, search: (text) => searchIn(program, text) };
  } catch {
    return { kind: "not-linear", source, construct: "syntax that the linear-time engine does not support" };
  }
}

function searchIn(program: RE2JS, text: string): ReturnType<LinearPattern["search"]> {
  if (program.programSize() * text.length > MAX_SEARCH_STEPS) return "too-long";
  return program.test(text) ? "found" : "not-found";
}
