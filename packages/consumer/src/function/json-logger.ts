import { redactText } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";
import { keepStart } from "@stackyard/core";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** The lowest level that is written. */
export type LogLevel = (typeof LEVELS)[number];

/** Options of the logger. */
export interface JsonLoggerOptions {
  readonly clock: Pick<Clock, "now">;
  /** Default: `info`. */
  readonly level?: LogLevel;
  readonly write: (line: string) => void;
}

/** Creates a logger of JSON lines, small enough for inline code. Signatures of URLs are redacted everywhere. */
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

/** Wraps a logger so that it never receives the signature of a URL. */
export function createDiscreetLogger(logger: Logger): Logger {
  const tell =
    (level: LogLevel): Logger["info"] =>
    (message, fields = {}) =>
      logger[level](hideSecrets(message), Object(hideSecretsIn(fields)));
  return { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") };
}

// Schemes and names are bounded, so that matching stays linear in long text.
// A query or fragment can be a signature, and the user part of an authority a password.
const AFTER_PATH = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'<>?#]*)[?#][^\s"'<>]*/gi;
const BEFORE_HOST = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'<>/?#@]*@/gi;
// A text that starts with a scheme is treated as one URL, even with white space or quotes in it.
const MEANT_AS_URL = /^(\s*[a-z][a-z0-9+.-]*:\/\/[^\s"'<>?#]*)[\s\S]*$/i;
const SIGNING = /(signature|awsaccesskeyid|x-amz-[a-z0-9-]{1,100})(=|%3d|\\u003d)[^\s"'<>&]+/gi;
const MAX_LENGTH = 4_096;
const MAX_DEPTH = 6;

/** Redacts signatures of URLs and limits the length of a text. A presigned URL is a secret that must not be logged. */
export function hideSecrets(text: string): string {
  const plain = keepStart(text, MAX_LENGTH * 4)
    .replace(MEANT_AS_URL, "$1")
    .replace(AFTER_PATH, "$1")
    .replace(BEFORE_HOST, "$1")
    .replace(SIGNING, "$1$2[redacted]");
  return keepStart(redactText(plain), MAX_LENGTH);
}

/** Redacts every text in a value. Errors keep name, code and message. */
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
