import { redactText } from "@stackyard/aws";

const HIDDEN = "[redacted]";
/** Deeper is no line of a log any more, but perhaps a value that holds itself. */
const DEEPEST = 8;
const MOST_ITEMS = 100;
const LONGEST_TEXT = 16_384;

/** Names of values that are secrets whatever they look like. Numbers under them are counts, such as a fencing token. */
const SECRET_NAME =
  /(secret|passw(or)?d|passphrase|authorization|cookie|credential|api[_-]?key|private[_-]?key|access[_-]?key|(^|[_-]|[a-z])token)$/i;

/** A value as it may stand in a log: plain JSON, bounded, without secrets that their name or form gives away. */
export function redactFields(value: unknown): unknown {
  return redact(value, "", []);
}

function redact(value: unknown, name: string, outer: readonly object[]): unknown {
  if (typeof value === "object" && value !== null) return redactObject(value, name, outer);
  switch (typeof value) {
    case "string":
      return SECRET_NAME.test(name) && value !== "" ? HIDDEN : toText(value);
    case "bigint":
      return String(value);
    case "function":
    case "symbol":
      return undefined;
    default:
      return value;
  }
}

function redactObject(value: object, name: string, outer: readonly object[]): unknown {
  if (outer.includes(value)) return "[circular]";
  if (outer.length === DEEPEST) return "[too deep]";
  const path = [...outer, value];
  if (value instanceof Error) return redactError(value, path);
  if (value instanceof Map) return redactEntries(value.entries(), path);
  if (Array.isArray(value) || value instanceof Set) return redactItems([...value], name, path);
  return toPlain(value) ?? redactEntries(Object.entries(value), path);
}

/** Objects that are one value. */
function toPlain(value: object): string | undefined {
  if (value instanceof URL) return toText(value.href);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[no date]" : value.toISOString();
  return ArrayBuffer.isView(value) ? `[${value.byteLength} bytes]` : undefined;
}

function redactItems(items: readonly unknown[], name: string, path: readonly object[]): readonly unknown[] {
  const shown = items.slice(0, MOST_ITEMS).map((item) => redact(item, name, path));
  return items.length <= MOST_ITEMS ? shown : [...shown, `[${items.length - MOST_ITEMS} more]`];
}

function redactEntries(entries: Iterable<readonly [unknown, unknown]>, path: readonly object[]): unknown {
  const shown = [...entries].slice(0, MOST_ITEMS).map(([key, inner]) => {
    const name = String(key);
    return [name, redact(inner, name, path)] as const;
  });
  return Object.fromEntries(shown);
}

/** Where it was thrown, and why; of what else errors of SDKs hold only the code is told. */
function redactError(error: Error, path: readonly object[]): unknown {
  const { name, message, stack, cause } = error;
  const code = "code" in error && ["string", "number"].includes(typeof error.code) ? { code: error.code } : {};
  return {
    name,
    ...code,
    message: toText(message),
    ...(stack === undefined ? {} : { stack: toText(stack) }),
    ...(cause === undefined ? {} : { cause: redact(cause, "", path) }),
  };
}

function toText(text: string): string {
  const shown = text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}… (${text.length} characters)`;
  return redactText(shown);
}
