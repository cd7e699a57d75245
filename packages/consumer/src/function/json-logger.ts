import type { Clock, Logger } from "@stackyard/core";
import { hideSecrets, hideSecretsIn } from "./hide-secrets.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** How severe a line must be to be written. */
export type LogLevel = (typeof LEVELS)[number];

/** Where lines go. */
export interface JsonLoggerOptions {
  readonly clock: Pick<Clock, "now">;
  /** Default: `info`. */
  readonly level?: LogLevel;
  readonly write: (line: string) => void;
}

/** A logger of one line of JSON each, small enough for inline code. What signs a URL is hidden, wherever it stands. */
export function createJsonLogger({ clock, level: least = "info", write }: JsonLoggerOptions): Logger {
  const add =
    (level: LogLevel): Logger["info"] =>
    (message, fields = {}) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      const head = { time: new Date(clock.now()).toISOString(), level, message: hideSecrets(message) };
      write(`${JSON.stringify({ ...Object(hideSecretsIn(fields)), ...head })}\n`);
    };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
}

/** The same logger, which is never given what signs a URL. */
export function createDiscreetLogger(logger: Logger): Logger {
  const tell =
    (level: LogLevel): Logger["info"] =>
    (message, fields = {}) =>
      logger[level](hideSecrets(message), Object(hideSecretsIn(fields)));
  return { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") };
}
