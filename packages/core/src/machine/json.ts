/** Returns true for a JSON object: not null and not a list. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses a JSON text. Returns undefined if it is invalid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses a JSON text. Throws what `toError` makes of the cause if it is invalid. */
export function parseJsonOr(text: string, toError: (cause: unknown) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw toError(cause);
  }
}

/** The same object type, with the properties that may be undefined as optional ones. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Returns a copy without the properties that are undefined, as `exactOptionalPropertyTypes` requires. */
export function defined<T extends object>(value: T): Defined<T> {
  const copy: Partial<T> = {};
  for (const key in value) if (value[key] !== undefined) copy[key] = value[key];
  // Every remaining key has a value, as the type declares.
  return copy as Partial<T> & Defined<T>;
}

/** The largest text from outside, in characters: the size limit of an SQS message. */
export const MAX_JSON_CHARACTERS = 1_048_576;

const MAX_DEPTH = 64;

/** Returns why a value from outside is not accepted as JSON: too deep, too large, not JSON, or with a forbidden key. */
export function findJsonFault(value: unknown): string | undefined {
  return findFaultWithin(value, { characters: 0 }, 0);
}

/**
 * Returns why a value must not be kept: a whole number beyond 2^53 whose digits JSON has rounded, or will. Undefined for other
 * values. Only what is kept needs this: messages of other programs may contain such numbers elsewhere.
 */
export function findRoundedFault(value: unknown, depth = 0): string | undefined {
  if (typeof value === "number") return isRounded(value) ? ROUNDED : undefined;
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return undefined;
  for (const inner of Object.values(value)) {
    const fault = findRoundedFault(inner, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Returns true for a whole number beyond 2^53: several texts of digits are read as the same one. */
export function isRounded(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

const ROUNDED = "it contains a whole number beyond 9007199254740991, which JSON rounds; send it as text";

/**
 * Returns a value that `findJsonFault` accepts as JSON keeps it: without properties that are undefined, and with null for
 * missing items of a list.
 */
export function toPlainJson<Value>(value: Value): Value {
  // The JSON form of plain data has the same type.
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as Value);
}

function findFaultWithin(value: unknown, spent: { characters: number }, depth: number): string | undefined {
  if (typeof value === "string") return spend(spent, value);
  if (value === null || value === undefined || typeof value === "boolean") return undefined;
  if (typeof value === "number")
    return Number.isFinite(value) ? undefined : "it contains a number that JSON does not support";
  if (typeof value !== "object") return `it contains a ${typeof value}`;
  if (depth === MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) return findListFault(value, spent, depth);
  return isPlain(value) ? findMapFault(value, spent, depth) : "it contains an object that is not plain data";
}

function findListFault(list: readonly unknown[], spent: { characters: number }, depth: number): string | undefined {
  for (const item of list) {
    const fault = spend(spent, "") ?? findFaultWithin(item, spent, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

function findMapFault(
  map: Readonly<Record<string, unknown>>,
  spent: { characters: number },
  depth: number,
): string | undefined {
  for (const key of Object.keys(map)) {
    if (key === "__proto__") return 'it contains the key "__proto__"';
    const fault = spend(spent, key) ?? findFaultWithin(map[key], spent, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

// Every value costs one more, so that a list of a million zeros is not free.
function spend(spent: { characters: number }, text: string): string | undefined {
  spent.characters += text.length + 1;
  return spent.characters > MAX_JSON_CHARACTERS ? `it is larger than ${MAX_JSON_CHARACTERS} characters` : undefined;
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
