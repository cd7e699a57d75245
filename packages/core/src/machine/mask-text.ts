import { toEncodedForms } from "./encoded-forms.ts";
import { parseJson } from "./json.ts";
import { MASK } from "./secrets.ts";

/** Replaces every occurrence of secret values in a text by `***`. */
export type MaskText = (text: string) => string;

/** Shorter values are not masked: they occur in nearly every text, and masking them would reveal where. */
const SHORTEST = 4;

/**
 * Masks values of four characters or more, also as JSON writes them in a text and in common encodings; of values with
 * several lines each line too, because logs come line by line; of lists and maps, also as JSON text, each member.
 */
export function createMaskText(values: Iterable<unknown>): MaskText {
  const needles = toNeedles(withMembers(values), toForms);
  if (needles.length === 0) return (text) => text;
  // The longest first, so that of two values with the same beginning the longer one is masked completely.
  const ordered = [...needles].sort((a, b) => b.length - a.length);
  const findIn = createNeedleSearch(ordered);
  return (text) => findIn(text).reduce((masked, needle) => masked.replaceAll(needle, MASK), text);
}

/** So many are searched one by one in less time than it takes to look at each place of a text. */
const FEW = 32;
/** A comparison at each place of a text that begins like a longer one would take too long. */
const LONGEST_INDEXED = 256;

/**
 * Returns a search for the needles that a text contains, in their order. A value of many lines has thousands of them: a text
 * is read once, and only those are compared that begin as it does at a place.
 */
function createNeedleSearch(needles: readonly string[]): (text: string) => readonly string[] {
  if (needles.length <= FEW) return () => needles;
  const order = new Map(needles.map((needle, index) => [needle, index]));
  // With a star it may contain a mask.
  const isSingle = (needle: string) => needle.length > LONGEST_INDEXED || needle.includes("*");
  const singles = needles.filter(isSingle);
  const byStart = toIndex(needles.filter((needle) => !isSingle(needle)));
  return (text) => {
    const found = new Set(singles);
    for (let place = 0; place + SHORTEST <= text.length; place += 1) {
      for (const [length, same] of byStart.get(text.slice(place, place + SHORTEST)) ?? []) {
        const piece = text.slice(place, place + length);
        if (same.has(piece)) found.add(piece);
      }
    }
    return [...found].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  };
}

/** Groups needles by their beginnings, and then by their lengths. */
function toIndex(needles: readonly string[]): ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<string>>> {
  const index = new Map<string, Map<number, Set<string>>>();
  for (const needle of needles) {
    const start = needle.slice(0, SHORTEST);
    const lengths = index.get(start) ?? new Map<number, Set<string>>();
    const same = lengths.get(needle.length) ?? new Set<string>();
    index.set(start, lengths.set(needle.length, same.add(needle)));
  }
  return index;
}

/** The largest value that is searched in pieces. */
const LONGEST_SPLIT = 16 * 1024;

/** Returns the whole forms of values that a log may contain in pieces. */
export function listSplitForms(values: Iterable<unknown>): readonly string[] {
  return toNeedles(withMembers(values), (text) => {
    return text.length < SHORTEST || text.length > LONGEST_SPLIT ? [] : [text, ...toEncodedForms(text)];
  });
}

/** Returns true for a text that quotes a secret value as a whole. */
export type IsQuoting = (text: string) => boolean;

/**
 * Returns a search for values of four characters or more, also in JSON form and without the blanks around them; a value
 * with several lines only matches as a whole, because a single line may be a common word.
 */
export function createIsQuoting(values: Iterable<unknown>): IsQuoting {
  const needles = toNeedles(values, toWholeForms);
  return (text) => needles.some((needle) => text.includes(needle));
}

/** A deeper value is not a plain log line, and may contain itself. */
const DEEPEST = 16;

/** Masks like `MaskText` every text in a value; values that are nested too deep are masked as a whole. */
export function maskTexts(mask: MaskText, value: unknown, depth = 0): unknown {
  if (typeof value === "string") return mask(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth === DEEPEST) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskTexts(mask, item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskTexts(mask, inner, depth + 1)]));
}

/** More members of one value would take too long to search for. */
const MOST_MEMBERS = 1_000;

function withMembers(values: Iterable<unknown>): readonly unknown[] {
  return [...values].flatMap((value) => [value, ...listMembers(value, 0).slice(0, MOST_MEMBERS)]);
}

/** Returns the texts and numbers in a list or map, or in its JSON text. */
function listMembers(value: unknown, depth: number): readonly unknown[] {
  const inner = typeof value === "string" && /^\s*[[{]/.test(value) ? parseJson(value) : value;
  if (typeof inner !== "object" || inner === null || depth === DEEPEST) return [];
  return Object.values(inner).flatMap((member) => [member, ...listMembers(member, depth + 1)]);
}

function toNeedles(values: Iterable<unknown>, toParts: (text: string) => readonly string[]): readonly string[] {
  const needles = new Set<string>();
  for (const value of values) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    for (const part of toParts(String(value))) needles.add(part).add(JSON.stringify(part).slice(1, -1));
  }
  // Blanks alone are in every text.
  return [...needles].filter((needle) => needle.length >= SHORTEST && needle.trim() !== "");
}

function toForms(text: string): readonly string[] {
  return [
    text,
    ...text.split(/\r?\n/).map((line) => line.trim()),
    ...(text.length < SHORTEST ? [] : toEncodedForms(text)),
  ];
}

function toWholeForms(text: string): readonly string[] {
  return [text, text.trim()];
}
