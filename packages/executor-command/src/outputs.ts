import { closeSync, openSync, readSync, statSync } from "node:fs";
import { isMap, parseJson } from "@stackyard/core";
import type { LogMasks } from "@stackyard/core/services";
import type { CommandConfig, CommandOutputs, DeclaredOutput } from "./definition.ts";
import { CommandFailure } from "./failure.ts";

type Declared = NonNullable<CommandConfig["outputs"]>;
type Scalar = CommandOutputs[string];

/** A stack keeps 64 KiB of outputs for all tasks of a state. */
const MAX_BYTES = 60 * 1024;

/** Reads the file of outputs. Fails with COMMAND_OUTPUTS_INVALID above 60 KiB. */
export function readOutputsText(path: string): string {
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  const file = openSync(path, "r");
  try {
    let bytes = 0;
    for (let read = -1; read !== 0 && bytes < buffer.length; bytes += read)
      read = readSync(file, buffer, bytes, buffer.length - bytes, bytes);
    if (bytes > MAX_BYTES) throw toInvalid(`The file of outputs has more than ${MAX_BYTES} bytes.`);
    return buffer.toString("utf8", 0, bytes);
  } finally {
    closeSync(file);
  }
}

/**
 * Parses outputs: one JSON object, or lines `NAME=VALUE`, where `NAME<<END` begins a text of several lines that the line
 * `END` ends. Empty lines and those with `#` are left out. Fails with COMMAND_OUTPUTS_INVALID.
 */
export function parseOutputs(text: string): ReadonlyMap<string, unknown> {
  if (!text.trimStart().startsWith("{")) return parseLines(text);
  const value = parseJson(text);
  if (isMap(value)) return new Map(Object.entries(value));
  throw toInvalid("The file of outputs begins like JSON, and is not one object.");
}

const LINE = /^([^\s=<]+)(=|<<)(.*)$/;

function parseLines(text: string): ReadonlyMap<string, unknown> {
  const found = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name, sign, rest = ""] = LINE.exec(line) ?? [];
    if (name === undefined) throw toInvalid(`Line ${at + 1} of the outputs is not NAME=VALUE.`);
    if (sign === "=") {
      found.set(name, rest);
      continue;
    }
    const end = lines.indexOf(rest, at + 1);
    if (end < 0) throw toInvalid(`The output "${name}" has no line ${JSON.stringify(rest)} that ends it.`);
    found.set(name, lines.slice(at + 1, end).join("\n"));
    at = end;
  }
  return found;
}

/** Returns what was written, with the declared types. Fails with COMMAND_OUTPUTS_INVALID. */
export function toOutputs(written: ReadonlyMap<string, unknown>, declared: Declared = {}): CommandOutputs {
  const missing = Object.entries(declared).filter(([name, { optional }]) => optional !== true && !written.has(name));
  if (missing.length > 0) {
    throw toInvalid(`The program did not write ${missing.map(([name]) => `"${name}"`).join(", ")} to its outputs.`);
  }
  if (written.size > MAX_OUTPUTS)
    throw toInvalid(`The program wrote ${written.size} outputs; ${MAX_OUTPUTS} are allowed.`);
  if (written.has("__proto__")) throw toInvalid('An output cannot have the name "__proto__".');
  const own = (name: string) => (Object.hasOwn(declared, name) ? declared[name] : undefined);
  return Object.fromEntries([...written].map(([name, value]) => [name, toTyped(name, value, own(name))]));
}

const MAX_OUTPUTS = 64;

function toTyped(name: string, value: unknown, declared: DeclaredOutput | undefined): Scalar {
  const scalar = toScalar(value);
  const type = declared?.type;
  if (type === undefined || scalar === null || typeof scalar === type) return scalar;
  if (type === "string") return String(scalar);
  const read = typeof scalar === "string" ? parseJson(scalar.trim()) : undefined;
  if (typeof read === type && (typeof read === "number" || typeof read === "boolean")) return read;
  // The value may be a secret.
  throw toInvalid(`The output "${name}" is not a ${type}.`);
}

function toScalar(value: unknown): Scalar {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Returns the names of the sensitive outputs that were written. */
export function listSensitive(outputs: CommandOutputs, declared: Declared = {}): readonly string[] {
  return Object.keys(outputs).filter((name) => Object.hasOwn(declared, name) && declared[name]?.sensitive === true);
}

/** Returns a function that masks the sensitive outputs that the file has by now. It reads the file when it has changed. */
export function createOutputMasking(path: string, declared: Declared | undefined, masks: LogMasks): () => void {
  const names = Object.entries(declared ?? {}).flatMap(([name, { sensitive }]) => (sensitive ? [name] : []));
  if (names.length === 0) return () => undefined;
  let seen = "";
  return () => {
    try {
      const { size, mtimeMs } = statSync(path);
      if (`${size} ${mtimeMs}` === seen) return;
      seen = `${size} ${mtimeMs}`;
      const written = parseOutputs(readOutputsText(path));
      masks.add(names.flatMap((name) => (written.has(name) ? [toScalar(written.get(name))] : [])));
    } catch {
      // It is written just now, or is wrong, which its end shows.
    }
  };
}

function toInvalid(message: string): CommandFailure {
  return new CommandFailure("COMMAND_OUTPUTS_INVALID", message);
}
