import { findRoundedFault, parseJsonOr, StackyardError } from "@stackyard/core";
import type { MetadataValue } from "@stackyard/core/api";
import { parseDuration } from "@stackyard/core/machine";

/** Parses a timeout, such as `10m`, and returns milliseconds. `name` names the argument in errors. Throws `USAGE`. */
export function parseTimeout(text: string, name: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new StackyardError("USAGE", `Invalid duration ${name} ${text}.`, {
    details: { hint: "Use a duration such as 30s, 10m or 1h." },
  });
}

/** The metadata of an event. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/**
 * Parses metadata: each word is `key=text`, `key:=json` for numbers, booleans and null, or a JSON
 * object. Throws `USAGE`.
 */
export function parseMetadata(words: readonly string[]): Metadata {
  const entries = words.flatMap((word) => (word.trimStart().startsWith("{") ? parseObject(word) : [parsePair(word)]));
  for (const [key, value] of entries) {
    if (typeof value === "object" && value !== null) {
      throw new StackyardError("USAGE", `Metadata must be flat, but "${key}" is a map or a list.`);
    }
    if (findRoundedFault(value) === undefined) continue;
    throw new StackyardError("USAGE", `JSON rounds the whole number of "${key}", which is beyond 9007199254740991.`, {
      details: { hint: `Send it as text: ${key}=DIGITS.` },
    });
  }
  return Object.fromEntries(entries) as Metadata;
}

type Entry = readonly [string, unknown];

function parsePair(word: string): Entry {
  const [, key = "", sign, text = ""] = /^([^=]*?)(:?=)(.*)$/s.exec(word) ?? [];
  if (key === "") {
    const hint = "Write sha=9f1c for text, seen:=5 for a JSON value, or a JSON object.";
    throw new StackyardError("USAGE", `Invalid metadata "${word}": a key or a value is missing.`, {
      details: { hint },
    });
  }
  return [key, sign === "=" ? text : parseJson(word, text)];
}

function parseObject(word: string): readonly Entry[] {
  const value = parseJson(word, word);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function parseJson(word: string, text: string): unknown {
  const message = `The metadata ${word} is not valid JSON.`;
  return parseJsonOr(text, (cause) => new StackyardError("USAGE", message, { cause }));
}
