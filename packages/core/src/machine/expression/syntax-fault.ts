import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import type { ExpressionFault } from "./expression-place.ts";
import { findHyphenated, hintQuotes, tellHyphenated } from "./name-hints.ts";

const NEAR = 40;

/** The fault behind an error of the parser. */
export function toSyntaxFault(error: unknown, source: string): ExpressionFault {
  const { code, summary, offset } = readError(error);
  if (code === "limit_exceeded") {
    return { code: "limit-exceeded", message: `The expression is too large: ${summary}.`, offset };
  }
  const hint = hintHyphen(source, offset) ?? hintQuotes(source);
  const near = source.slice(offset, offset + NEAR).trim();
  const where = near === "" ? "at its end" : `at ${JSON.stringify(near)}`;
  const what = source.trim() === "" ? "is empty" : `cannot be read ${where}: ${summary}`;
  return { code: "expression-syntax", message: `The expression ${what}.${hint}`, offset };
}

/** The fault of a source that is too long to be parsed. */
export function tooLong(source: string): ExpressionFault | undefined {
  if (source.length <= EXPRESSION_LIMITS.maxCharacters) return undefined;
  const message = `The expression has ${source.length} characters; ${EXPRESSION_LIMITS.maxCharacters} are allowed.`;
  return { code: "limit-exceeded", message, offset: 0 };
}

// A word of the language behind a hyphen, as in `metadata.sign-in`, or behind a dot, as in `metadata.in`.
function hintHyphen(source: string, offset: number): string | undefined {
  const hyphenated = findHyphenated(source, offset);
  if (hyphenated) return ` ${tellHyphenated(hyphenated)}`;
  const word = /\.\s*$/.test(source.slice(0, offset)) && /^\w+/.exec(source.slice(offset))?.[0];
  return word ? ` Write ['${word}'].` : undefined;
}

function readError(error: unknown): { code: string; summary: string; offset: number } {
  if (!(error instanceof Error)) return { code: "", summary: "unknown error", offset: 0 };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const summary = "summary" in error && typeof error.summary === "string" ? error.summary : "it is nested too deep";
  const range = "range" in error ? error.range : undefined;
  const start = typeof range === "object" && range !== null && "start" in range ? range.start : 0;
  return { code, summary: summary.slice(0, 200), offset: typeof start === "number" ? start : 0 };
}
