import { failWith } from "../shell/failure.ts";

type Metadata = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Reads metadata from the words of a command line: `key=text`, `key:=json` for numbers, booleans and null, or a JSON
 * object. Throws `USAGE`.
 */
export function parseMetadata(words: readonly string[]): Metadata {
  const entries = words.flatMap((word) => (word.trimStart().startsWith("{") ? parseObject(word) : [parsePair(word)]));
  for (const [key, value] of entries) {
    if (typeof value === "object" && value !== null) {
      throw failWith("USAGE", `Metadata is flat, but "${key}" is a map or a list.`);
    }
  }
  return Object.fromEntries(entries) as Metadata;
}

type Entry = readonly [string, unknown];

function parsePair(word: string): Entry {
  const [, key = "", sign, text = ""] = /^([^=]*?)(:?=)(.*)$/s.exec(word) ?? [];
  if (key === "") {
    const hint = "Write sha=9f1c for text, seen:=5 for a JSON value, or a JSON object.";
    throw failWith("USAGE", `--metadata ${word} has no key and value.`, { hint });
  }
  return [key, sign === "=" ? text : parseJson(word, text)];
}

function parseObject(word: string): readonly Entry[] {
  const value = parseJson(word, word);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function parseJson(word: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw failWith("USAGE", `--metadata ${word} is no JSON.`, { cause: error });
  }
}
