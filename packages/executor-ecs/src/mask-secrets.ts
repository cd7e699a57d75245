import { redactText } from "@stackyard/aws";
import type { TaskOverrides } from "./parse-overrides.ts";

/** The parts of a container's definition that may hold secrets or names of them. */
export interface SecretiveContainer {
  readonly secrets?: readonly { readonly name?: string | undefined }[] | undefined;
  readonly environment?:
    | readonly { readonly name?: string | undefined; readonly value?: string | undefined }[]
    | undefined;
}

const MASK = "***";
/** Shorter texts stand in every other line. */
const MIN_VALUE_CHARS = 4;
const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|credential|dsn|_url$|_uri$/i;

/**
 * Takes secrets out of a line of a task's log: what follows the name of a secret of the task definition (`NAME=…`, `NAME: …`,
 * `"NAME":"…"`), the values of variables whose names sound secret, and what is secret by its form. The values of the
 * definition's `secrets` are in their store, where this does not look.
 */
export function createSecretMask(
  containers: readonly SecretiveContainer[],
  overrides: TaskOverrides = {},
): (text: string) => string {
  const overridden = overrides.containerOverrides ?? [];
  const names = containers.flatMap(({ secrets = [] }) => secrets.flatMap(({ name }) => name || []));
  const entries = [...containers, ...overridden].flatMap(({ environment = [] }) => environment);
  const values = entries
    .filter(({ name = "" }) => SECRET_NAME.test(name))
    .flatMap(({ value = "" }) => (value.length >= MIN_VALUE_CHARS ? [value] : []))
    .sort((a, b) => b.length - a.length);
  const named = toNamedPattern([...new Set(names)]);
  return (text) => {
    const masked = values.reduce((line, value) => line.replaceAll(value, MASK), text);
    return redactText(named === undefined ? masked : masked.replace(named, `$1${MASK}`));
  };
}

function toNamedPattern(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const either = names.map((name) => name.replace(/[^A-Za-z0-9_]/g, "\\$&")).join("|");
  return new RegExp(`(\\b(?:${either})\\b["']?\\s{0,3}[:=]\\s{0,3})("(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^\\s,;&}"']+)`, "g");
}
