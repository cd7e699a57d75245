/** A whole number that JavaScript would change, as the text contains it. */
const MAY_BE_CHANGED = /\d{16}|\d[eE]\+?\d/;

/** The third argument of a reviver (ECMAScript, "JSON.parse source text access"). */
interface Context {
  readonly source?: string;
}

/**
 * Parses JSON without changing whole numbers: those beyond 2^53 become texts of their digits. A number with a fraction
 * is rounded, as everywhere. Returns undefined for anything else than JSON.
 */
export function parseExactJson(text: string): unknown {
  return parse(text, (source) => source);
}

/** A whole number in its own digits: `JSON.stringify` writes them. */
interface RawNumber {
  readonly rawJSON: string;
}

/** Parses like `parseExactJson`, but numbers beyond 2^53 become objects that `JSON.stringify` writes as numbers. */
export function parseRawJson(text: string): unknown {
  return parse(text, toRawNumber);
}

/** Returns true for a number of `parseRawJson`. */
export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === "object" && value !== null && json.isRawJSON(value);
}

function parse(text: string, toExact: (digits: string) => unknown): unknown {
  const revive = (_key: string, value: unknown, context?: Context) => {
    const { source } = context ?? {};
    return typeof value === "number" && source !== undefined && isChanged(value) ? toExact(source) : value;
  };
  try {
    return MAY_BE_CHANGED.test(text) ? json.parse(text, revive) : json.parse(text);
  } catch {
    return undefined;
  }
}

function isChanged(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}

function toRawNumber(digits: string): unknown {
  return json.rawJSON(digits);
}

/** The functions of Node.js 22 that the type definitions do not have yet. */
interface ExactJson {
  parse(text: string, revive?: (key: string, value: unknown, context?: Context) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: object): boolean;
}

const json = JSON as unknown as ExactJson;
