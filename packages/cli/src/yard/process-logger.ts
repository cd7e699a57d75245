import type { Logger } from "@stackyard/core";
import type { CommandContext } from "../command.ts";
import type { Output, Style } from "../output.ts";
import { readVariables } from "../variables.ts";

type Level = "debug" | "info" | "warn" | "error";

const STYLES: Readonly<Record<Level, Style>> = { debug: "dim", info: "dim", warn: "yellow", error: "red" };

/** Warnings and errors go to people; the rest with `STACKYARD_DEBUG` only. */
export function createProcessLogger({ out, env }: Pick<CommandContext, "out" | "env">): Logger {
  const verbose = readVariables(env).STACKYARD_DEBUG !== undefined;
  const quiet = () => {};
  return {
    debug: verbose ? createLevel(out, "debug") : quiet,
    info: verbose ? createLevel(out, "info") : quiet,
    warn: createLevel(out, "warn"),
    error: createLevel(out, "error"),
  };
}

function createLevel(out: Output, level: Level): Logger["warn"] {
  return (message, fields = {}) => {
    const plain = toPlain(fields);
    const details = Object.keys(plain).length === 0 ? "" : ` ${out.paint("dim", JSON.stringify(plain))}`;
    const format = () => `${out.paint(STYLES[level], level)} ${message}${details}`;
    out.log({ ...plain, kind: "log", level, message }, format);
  };
}

// JSON.stringify drops the fields of errors.
function toPlain(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? toErrorText(value) : value,
  ]);
  return Object.fromEntries(entries);
}

// Many a message ends with that of its cause.
function toErrorText({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}
