import { RE2JS } from "re2js";
import { CostError, EvaluationError, EXPRESSION_LIMITS, type Meter } from "./meter.ts";

/** Whether a text holds a match of a regular expression. */
export type PatternSearch = (text: string, pattern: string) => boolean;

/**
 * The search behind `matches`: RE2, as the language asks, because a JavaScript pattern may take exponential time. A pattern
 * is compiled once an evaluation.
 */
export function createPatternSearch(meter: Meter): PatternSearch {
  const compiled = new Map<string, RE2JS>();
  return (text, pattern) => {
    const known = compiled.get(pattern) ?? compile(pattern, meter);
    compiled.set(pattern, known);
    meter.charge((known.programSize() * (text.length + 1)) >>> 2);
    return known.test(text);
  };
}

function compile(pattern: string, meter: Meter): RE2JS {
  if (pattern.length > EXPRESSION_LIMITS.maxPattern) {
    throw new CostError(`it uses a pattern of more than ${EXPRESSION_LIMITS.maxPattern} characters`);
  }
  meter.charge(pattern.length * (1 + countRepeats(pattern)));
  const compiled = parsePattern(pattern);
  meter.charge(compiled.programSize() * 10);
  return compiled;
}

/** Counted repetitions are written out, so they are what makes a short pattern expensive. */
function countRepeats(pattern: string): number {
  const counts = [...pattern.matchAll(/\\[\s\S]|\{(\d+)(?:,(\d*))?\}/g)];
  return counts.reduce((sum, [, least = 0, most = 0]) => sum + Math.max(Number(least), Number(most)), 0);
}

function parsePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch {
    throw new EvaluationError("matches() got no regular expression that RE2 knows");
  }
}
