import { redactText } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";

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

// Schemes and names are bounded, so that a long text of letters takes no longer than another: the end of a longer one is found.
// Whatever follows a path may sign it, and what stands before a host may be a password.
const AFTER_PATH = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'<>?#]*)[?#][^\s"'<>]*/gi;
const BEFORE_HOST = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'<>/?#@]*@/gi;
// A text that begins as a URL is one, or was meant to be: white space and quotes in it part no secret.
const MEANT_AS_URL = /^(\s*[a-z][a-z0-9+.-]*:\/\/[^\s"'<>?#]*)[\s\S]*$/i;
const SIGNING = /(signature|awsaccesskeyid|x-amz-[a-z0-9-]{1,100})(=|%3d|\\u003d)[^\s"'<>&]+/gi;
const MAX_LENGTH = 4_096;
const MAX_DEPTH = 6;

/** A text without what signs a URL, and of a bounded length. A presigned URL is a secret: nobody may find one in what is written down. */
export function hideSecrets(text: string): string {
  const plain = text
    .slice(0, MAX_LENGTH * 4)
    .replace(MEANT_AS_URL, "$1")
    .replace(AFTER_PATH, "$1")
    .replace(BEFORE_HOST, "$1")
    .replace(SIGNING, "$1$2[redacted]");
  return redactText(plain).slice(0, MAX_LENGTH);
}

/** The same for every text in a value; of errors their name, code and message stay. */
export function hideSecretsIn(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return hideSecrets(value);
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
  if (depth > MAX_DEPTH) return "[deep]";
  if (value instanceof Error) return toPlainError(value);
  if (Array.isArray(value)) return value.slice(0, 100).map((each) => hideSecretsIn(each, depth + 1));
  const entries = Object.entries(value).slice(0, 100);
  return Object.fromEntries(entries.map(([name, each]) => [hideSecrets(name), hideSecretsIn(each, depth + 1)]));
}

function toPlainError(error: Error): object {
  const code: unknown = "code" in error ? error.code : undefined;
  return {
    name: error.name,
    message: hideSecrets(error.message),
    ...(typeof code === "string" ? { code: hideSecrets(code) } : {}),
  };
}
