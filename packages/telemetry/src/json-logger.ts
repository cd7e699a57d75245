import { redactText } from "@stackyard/aws";
import { type Clock, defined, keepStart, type Logger } from "@stackyard/core";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** The severity of a line. */
export type LogLevel = (typeof LEVELS)[number];

/** Where lines go, and which. */
export interface JsonLoggerInput {
  readonly service: string;
  /** Less severe ones are left out. */
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
  /** Returns common fields of every line, such as the trace; the line's own fields win. */
  readonly fields?: () => Readonly<Record<string, unknown>>;
}

/** A log event of CloudWatch Logs had at most 256 KB until 2025; other collectors still cut there or earlier. */
const LONGEST_LINE = 250_000;

/** Creates a logger that writes JSON objects, which CloudWatch can search. No value makes it throw. */
export function createJsonLogger(input: JsonLoggerInput): Logger {
  const { service, level, clock, write, fields: common = () => ({}) } = input;
  const toLevel = (own: LogLevel): Logger["info"] => {
    if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return () => {};
    return (message, fields = {}) => {
      const head = { time: new Date(clock.now()).toISOString(), level: own, service, message: redactFields(message) };
      write(toLine(head, toShown({ ...common(), ...fields })));
    };
  };
  return { debug: toLevel("debug"), info: toLevel("info"), warn: toLevel("warn"), error: toLevel("error") };
}

function toShown(fields: Readonly<Record<string, unknown>>): unknown {
  try {
    return redactFields(fields);
  } catch (error) {
    // A property that throws on access must not lose the line, nor fail the caller's work.
    return { unreadable: String(error) };
  }
}

function toLine(head: Readonly<Record<string, unknown>>, fields: unknown): string {
  const given = typeof fields === "object" ? fields : {};
  // A field must not override time, service and level.
  const line = JSON.stringify({ ...head, ...given, ...head });
  if (line.length <= LONGEST_LINE) return `${line}\n`;
  const names = Object.keys(given ?? {});
  return `${JSON.stringify({ ...head, truncated: `${line.length} characters`, fields: names })}\n`;
}

const HIDDEN = "[redacted]";
/** The maximum depth of a logged value; deeper ones may be circular. */
const DEEPEST = 8;
const MOST_ITEMS = 100;
const LONGEST_TEXT = 16_384;

/** Names of secret values of any form. Numbers under them are counts, such as a fencing token. */
const SECRET_NAME =
  /(secret|passw(or)?d|passphrase|authorization|cookie|credential|api[_-]?key|private[_-]?key|access[_-]?key|(^|[_-]|[a-z])token)$/i;

/** Converts a value for the log: plain JSON, bounded, without secrets that are recognized by name or form. */
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

/** Returns stack and cause of an error. Of the other fields of SDK errors only the code is kept. */
function redactError(error: Error, path: readonly object[]): unknown {
  const { name, message, stack, cause } = error;
  const code = "code" in error && ["string", "number"].includes(typeof error.code) ? { code: error.code } : {};
  return defined({
    name,
    ...code,
    message: toText(message),
    stack: stack === undefined ? undefined : toText(stack),
    cause: cause === undefined ? undefined : redact(cause, "", path),
  });
}

function toText(text: string): string {
  const shown = text.length <= LONGEST_TEXT ? text : `${keepStart(text, LONGEST_TEXT)}… (${text.length} characters)`;
  return redactText(shown);
}
