/** A message without its envelopes, or why there is none. */
export type Unwrapped =
  | { readonly kind: "message"; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: "none"; readonly reason: string };

/** An event of EventBridge that went through a topic has two envelopes. */
const MAX_ENVELOPES = 3;

/**
 * Takes a body apart: JSON text, the notification of an SNS topic (`Type`, `Message`), an event of EventBridge
 * (`detail`). A body with a `stackId` is never an envelope.
 */
export function unwrapBody(body: unknown): Unwrapped {
  const value = typeof body === "string" ? parseText(body) : toChecked(body);
  return "reason" in value ? value : unwrap(value.value, MAX_ENVELOPES);
}

/** True for maps, which is what JSON calls an object. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Parsed = { readonly value: unknown } | { readonly kind: "none"; readonly reason: string };

function unwrap(value: unknown, envelopes: number): Unwrapped {
  if (!isMap(value)) return { kind: "none", reason: "The message is not a JSON object." };
  if (Object.hasOwn(value, "stackId") || envelopes === 0) return { kind: "message", message: value };
  if (value["Type"] === "Notification" && typeof value["Message"] === "string") {
    const inner = parseText(value["Message"]);
    return "reason" in inner ? inner : unwrap(inner.value, envelopes - 1);
  }
  if (isMap(value["detail"])) return unwrap(value["detail"], envelopes - 1);
  return { kind: "message", message: value };
}

function parseText(text: string): Parsed {
  if (text.length > MAX_MESSAGE_CHARACTERS) {
    return { kind: "none", reason: `The message is larger than ${MAX_MESSAGE_CHARACTERS} characters.` };
  }
  try {
    return toChecked(JSON.parse(text));
  } catch {
    return { kind: "none", reason: "The message is not JSON." };
  }
}

function toChecked(value: unknown): Parsed {
  const fault = findJsonFault(value);
  return fault === undefined ? { value } : { kind: "none", reason: `The message is refused: ${fault}.` };
}

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
