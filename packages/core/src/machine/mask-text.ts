import { MASK } from "./secrets.ts";

/** Replaces every occurrence of secret values in a text by `***`. */
export type MaskText = (text: string) => string;

/** Shorter values are left: they would stand in nearly every text, and masking them would tell where. */
const SHORTEST = 4;

/**
 * Masks values of four characters or more, also as JSON writes them in a text; of values with several lines each line
 * too, because logs come line by line.
 */
export function createMaskText(values: Iterable<unknown>): MaskText {
  const needles = toNeedles(values, toForms);
  if (needles.length === 0) return (text) => text;
  // The longest first, so that of two values that begin alike nothing of the longer one is left.
  const ordered = [...needles].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, needle) => masked.replaceAll(needle, MASK), text);
}

/** True for a text that quotes a secret value as a whole. */
export type IsQuoting = (text: string) => boolean;

/**
 * Finds values of four characters or more, also as JSON writes them and without the blanks around them; of values with
 * several lines only all lines together, because a single one may be a word that says nothing.
 */
export function createIsQuoting(values: Iterable<unknown>): IsQuoting {
  const needles = toNeedles(values, toWholeForms);
  return (text) => needles.some((needle) => text.includes(needle));
}

/** Deeper is no log line any more, but perhaps a value that holds itself. */
const DEEPEST = 16;

/** As `MaskText`, for every text in a value; what is nested too deep is masked as a whole. */
export function maskTexts(mask: MaskText, value: unknown, depth = 0): unknown {
  if (typeof value === "string") return mask(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth === DEEPEST) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskTexts(mask, item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskTexts(mask, inner, depth + 1)]));
}

function toNeedles(values: Iterable<unknown>, toParts: (text: string) => readonly string[]): readonly string[] {
  const needles = new Set<string>();
  for (const value of values) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    for (const part of toParts(String(value))) needles.add(part).add(JSON.stringify(part).slice(1, -1));
  }
  return [...needles].filter((needle) => needle.length >= SHORTEST);
}

function toForms(text: string): readonly string[] {
  return [text, ...text.split(/\r?\n/).map((line) => line.trim())];
}

function toWholeForms(text: string): readonly string[] {
  return [text, text.trim()];
}
