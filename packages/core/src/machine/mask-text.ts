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
  const needles = new Set<string>();
  for (const value of values) for (const form of toForms(value)) if (form.length >= SHORTEST) needles.add(form);
  if (needles.size === 0) return (text) => text;
  // The longest first, so that of two values that begin alike nothing of the longer one is left.
  const ordered = [...needles].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, needle) => masked.replaceAll(needle, MASK), text);
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

function toForms(value: unknown): readonly string[] {
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "string") return [];
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return [value, ...lines].flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}
