/** The most text, in characters, that a message may hold: the size limit of SQS. */
export const MAX_MESSAGE_CHARACTERS = 1_048_576;

const MAX_DEPTH = 64;

/** Why a value may not come in as JSON from outside: too deep, too large, not JSON, or with a key that is no data. */
export function findJsonFault(value: unknown): string | undefined {
  return findFault(value, { characters: 0 }, 0);
}

function findFault(value: unknown, spent: { characters: number }, depth: number): string | undefined {
  if (typeof value === "string") return spend(spent, value);
  if (value === null || value === undefined || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "it holds a number that JSON has not";
  if (typeof value !== "object") return `it holds a ${typeof value}`;
  if (depth === MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) return findListFault(value, spent, depth);
  return isPlain(value) ? findMapFault(value, spent, depth) : "it holds an object that is no plain data";
}

function findListFault(list: readonly unknown[], spent: { characters: number }, depth: number): string | undefined {
  for (const item of list) {
    const fault = spend(spent, "") ?? findFault(item, spent, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

function findMapFault(map: object, spent: { characters: number }, depth: number): string | undefined {
  for (const [key, item] of Object.entries(map)) {
    if (key === "__proto__") return 'it holds the key "__proto__"';
    const fault = spend(spent, key) ?? findFault(item, spent, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

// Every value costs one more, so that a list of a million zeros is not free.
function spend(spent: { characters: number }, text: string): string | undefined {
  spent.characters += text.length + 1;
  return spent.characters > MAX_MESSAGE_CHARACTERS
    ? `it is larger than ${MAX_MESSAGE_CHARACTERS} characters`
    : undefined;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
