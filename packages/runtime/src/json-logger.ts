import type { Clock, Logger } from "@stackyard/core";

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
}

/** A logger whose lines are JSON objects, as CloudWatch searches them. */
export function createJsonLogger({ service, level, clock, write }: JsonLoggerInput): Logger {
  const toLevel = (own: LogLevel): Logger["info"] => {
    if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return () => {};
    return (message, fields = {}) => {
      const time = new Date(clock.now()).toISOString();
      write(`${JSON.stringify({ time, level: own, service, message, ...fields }, toPlain)}\n`);
    };
  };
  return { debug: toLevel("debug"), info: toLevel("info"), warn: toLevel("warn"), error: toLevel("error") };
}

/** JSON knows nothing of errors; a retained stack trace says where, the cause says why. */
function toPlain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const code = "code" in value ? { code: value.code } : {};
  return { name, ...code, message, stack, ...(cause === undefined ? {} : { cause }) };
}
