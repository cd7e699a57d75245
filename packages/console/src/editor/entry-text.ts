import type { Plain } from "../machine/edits/operation.ts";

/** Returns a scalar as its field shows it. */
export function toEntryText(value: Plain | undefined): string {
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return value === undefined || value === null ? "" : String(value);
}

/**
 * Returns an entered text as a value of these types: a number where one is possible, and otherwise the text, so that the
 * check of the machine says what is wrong with it. An empty entry removes the value.
 */
export function parseEntry(types: ReadonlySet<string>, text: string): Plain | undefined {
  if (text === "") return undefined;
  if (types.has("boolean") && (text === "true" || text === "false")) return text === "true";
  if (types.has("null") && text === "null") return null;
  if (!types.has("number") && !types.has("integer")) return text;
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  // Where both are possible, a text that is not how the number is written, such as 007, is a text.
  return types.has("string") && String(number) !== text ? text : number;
}

/** Returns any value as JSON; a text that does not look like JSON is shown unchanged. */
export function toAnyText(value: Plain | undefined): string {
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  return isJson(value) ? JSON.stringify(value) : value;
}

/** Returns the value of a text that `toAnyText` wrote or a person entered. */
export function parseAny(text: string): Plain | undefined {
  if (text === "") return undefined;
  return isJson(text) ? (JSON.parse(text) as Plain) : text;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
