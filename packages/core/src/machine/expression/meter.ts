import { RE2JS } from "re2js";

/** The limits of one expression. */
export const EXPRESSION_LIMITS = {
  /** Characters of the source. */
  maxCharacters: 4096,
  /** Nodes of the syntax tree. */
  maxNodes: 2000,
  /** `${…}` of one template. */
  maxPlaceholders: 1000,
  /** Calls, selections, brackets and conditions inside each other. */
  maxDepth: 48,
  /** Entries of a list or map that is written out. */
  maxEntries: 1000,
  /** Steps of one evaluation, or of one whole template; a step is some tenth of a microsecond. */
  maxSteps: 100_000,
  /** Characters of any text that comes up while evaluating, and of a whole result. */
  maxText: 262_144,
  /** Entries of a list that a function makes. */
  maxList: 10_000,
  /** Characters of a regular expression. */
  maxPattern: 256,
  /** Maps and lists inside each other, in results and templates. */
  maxNesting: 64,
  /** Characters of a reason. */
  maxReason: 500,
} as const;

const { maxSteps, maxText, maxList } = EXPRESSION_LIMITS;

/** Counts the cost of evaluating and throws when it is too high. One for an expression, or for a whole template. */
export interface Meter {
  /** Charges this number of steps. */
  charge(steps: number): void;
  /** Charges the size of a value, at any depth. */
  chargeValue(value: unknown): void;
  /** Counts the characters of a result; all results together are bounded. */
  chargeResult(value: unknown): void;
}

/** Creates a meter with the whole allowance. */
export function createMeter(): Meter {
  let left: number = maxSteps;
  let characters: number = maxText;
  const charge = (steps: number): void => {
    left -= steps;
    if (!(left >= 0)) throw new CostError(`it takes more than ${maxSteps} steps`);
  };
  const chargeValue = (value: unknown): void => {
    charge(1);
    if (typeof value === "string") charge(toTextSteps(value.length));
    else if (value instanceof Uint8Array) charge(toTextSteps(value.length));
    else if (typeof value === "object" && value !== null) for (const item of toItems(value)) chargeValue(item);
  };
  const chargeResult = (value: unknown): void => {
    characters -= toCharacters(value);
    if (characters < 0) throw new CostError(`the result has more than ${maxText} characters`);
  };
  return { charge, chargeValue, chargeResult };
}

/** Returns the cost of reading a text of this length once; throws when no text may be that long. */
export function toTextSteps(characters: number): number {
  if (characters > maxText) throw new CostError(`it makes a text of more than ${maxText} characters`);
  return characters >>> 5;
}

/** Throws when no list may be that long. */
export function checkListLength(entries: number): void {
  if (entries > maxList) throw new CostError(`it makes a list of more than ${maxList} entries`);
}

function toCharacters(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  let sum = 1;
  for (const item of toItems(value)) sum += toCharacters(item);
  return sum;
}

function toItems(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value].flat();
  return Object.getPrototypeOf(value) === Object.prototype ? Object.entries(value).flat() : [];
}

/** The reason why an expression cannot be evaluated, without values. It never leaves this folder. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
}

/** An evaluation has reached its limit. Unlike other errors, no `||` and no `exists` may swallow it. */
export class CostError extends EvaluationError {}

/** Returns true when a text contains a match of a regular expression. */
export type PatternSearch = (text: string, pattern: string) => boolean;

/**
 * Creates the search behind `matches`: RE2, as the language requires, because a JavaScript pattern may take exponential
 * time. A pattern is compiled once per evaluation.
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

/** Counts the repetitions of a pattern: they are expanded, which makes a short pattern expensive. */
function countRepeats(pattern: string): number {
  const counts = [...pattern.matchAll(/\\[\s\S]|\{(\d+)(?:,(\d*))?\}/g)];
  return counts.reduce((sum, [, least = 0, most = 0]) => sum + Math.max(Number(least), Number(most)), 0);
}

function parsePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch {
    throw new EvaluationError("matches() needs a regular expression that RE2 supports");
  }
}
