import type { Clock, Logger } from "@stackyard/core";
import { redactFields } from "./redact-fields.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** How severe a line is. */
export type LogLevel = (typeof LEVELS)[number];

/** Where lines go, and which. */
export interface JsonLoggerInput {
  readonly service: string;
  /** Less severe ones are left out. */
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
  /** What is true of every line that is written now, such as the trace; the line's own fields win. */
  readonly fields?: () => Readonly<Record<string, unknown>>;
}

/** A log event of CloudWatch Logs had at most 256 KB until 2025; other collectors still cut there or earlier. */
const LONGEST_LINE = 250_000;

/** A logger whose lines are JSON objects, as CloudWatch searches them. It never throws for a value's sake. */
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
    // A property that throws when it is read must not take the line with it, nor what was about to be done.
    return { unreadable: String(error) };
  }
}

function toLine(head: Readonly<Record<string, unknown>>, fields: unknown): string {
  const given = typeof fields === "object" ? fields : {};
  // What tells when, where and how severe is not for a field to change.
  const line = JSON.stringify({ ...head, ...given, ...head });
  if (line.length <= LONGEST_LINE) return `${line}\n`;
  const names = Object.keys(given ?? {});
  return `${JSON.stringify({ ...head, truncated: `${line.length} characters`, fields: names })}\n`;
}

/** The level of that name; `info` for any other. */
export function toLogLevel(name: string | undefined): LogLevel {
  return LEVELS.find((level) => level === name) ?? "info";
}
