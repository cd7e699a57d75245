import { RE2JS } from "re2js";

/** The pattern for a text of metadata. */
export type MetadataPattern = LinearPattern | RefusedPattern;

/** A pattern that is searched in time linear in the text. */
interface LinearPattern {
  readonly kind: "linear";
  readonly source: string;
  /** Searches a text. `too-long`: the text was not searched, because that would take too many steps. */
  search(text: string): "found" | "not-found" | "too-long";
}

/** A JavaScript pattern that only a backtracking engine can run, and so is never run. */
export interface RefusedPattern {
  readonly kind: "not-linear";
  readonly source: string;
  /** The syntax that the engine lacks, such as `the look-ahead "(?="`. */
  readonly construct: string;
}

/** The most characters of a pattern. */
export const MAX_PATTERN = 1_000;

/** Instructions of the program times characters of the text; at the worst they take about a second. */
const MAX_SEARCH_STEPS = 20_000_000;

/**
 * Compiles a regular expression in JavaScript's syntax with the flag `u`, searched unanchored. Texts come from outside,
 * and a backtracking engine may take exponential time, so RE2 searches all of them, and a pattern that RE2 cannot run
 * is `not-linear`. Throws a `SyntaxError` for an invalid regular expression.
 */
export function createMetadataPattern(source: string): MetadataPattern {
  // Only read, never run: it reports faults of the syntax.
  new RegExp(source, "u");
  const linear = toLinearSyntax(source);
  if (linear.kind === "refused") return { kind: "not-linear", source, construct: linear.construct };
  try {
    const program = RE2JS.compile(linear.syntax);
    return { kind: "linear", source, search: (text) => searchIn(program, text) };
  } catch {
    return { kind: "not-linear", source, construct: "syntax that the linear-time engine does not support" };
  }
}

function searchIn(program: RE2JS, text: string): "found" | "not-found" | "too-long" {
  if (program.programSize() * text.length > MAX_SEARCH_STEPS) return "too-long";
  return program.test(text) ? "found" : "not-found";
}

/** A pattern as RE2 writes it, or the first construct that RE2 lacks. */
type LinearSyntax =
  | { readonly kind: "linear"; readonly syntax: string }
  | { readonly kind: "refused"; readonly construct: string };

/**
 * Translates a regular expression of JavaScript with the flag `u`, which must be valid, into RE2's syntax with the same
 * meaning. Groups become non-capturing, because a search needs no captures.
 */
function toLinearSyntax(source: string): LinearSyntax {
  try {
    return { kind: "linear", syntax: translate(source) };
  } catch (error) {
    if (error instanceof Refusal) return { kind: "refused", construct: error.message };
    throw error;
  }
}

/** Ends the translation at a construct that RE2 lacks. */
class Refusal extends Error {}

/** Copies of one part that nested counts may ask for. RE2 refuses more. */
const MAX_COPIES = 1_000;

/** Parts of a pattern once its counts are written out, which is how RE2 runs them. */
const MAX_PARTS = 2_000;

/** The size of a part once its counts are written out, and the number of copies of its smallest piece. */
interface Extent {
  readonly parts: number;
  readonly copies: number;
}

const SINGLE: Extent = { parts: 1, copies: 1 };
const EMPTY: Extent = { parts: 0, copies: 1 };

/** A group that is being read. */
interface OpenGroup {
  extent: Extent;
  /** The part that a quantifier would repeat. */
  last: Extent;
}

/** The size of the pattern so far. */
interface Measure {
  readonly groups: OpenGroup[];
  lastCount: string;
}

// One construct at a time; a character class is read as a whole.
const CONSTRUCT =
  /\[(?:\\[\s\S]|[^\]\\])*\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|k<[^>]*>|c[a-zA-Z]|[0-9]+|[\s\S])|\(\?(?:<[=!]|[=!:]|<[^>]*>|[ims-]*:)|[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??|[\s\S]/gu;

function translate(source: string): string {
  let syntax = "";
  const measure: Measure = { groups: [{ extent: EMPTY, last: EMPTY }], lastCount: "" };
  for (const [construct] of source.matchAll(CONSTRUCT)) {
    syntax += translateConstruct(construct);
    addTo(measure, construct);
  }
  return syntax;
}

function translateConstruct(construct: string): string {
  if (construct.startsWith("[")) return translateClass(construct);
  if (construct.startsWith("\\")) return translateEscape(construct);
  if (construct.startsWith("(?")) return translateGroup(construct);
  if (construct === "(") return "(?:";
  return construct === "." ? "[^\\n\\r\\x{2028}\\x{2029}]" : construct;
}

const LOOKS: ReadonlyMap<string, string> = new Map([
  ["(?=", "look-ahead"],
  ["(?!", "look-ahead"],
  ["(?<=", "look-behind"],
  ["(?<!", "look-behind"],
]);

function translateGroup(opening: string): string {
  const look = LOOKS.get(opening);
  if (look !== undefined) throw new Refusal(`the ${look} "${opening}"`);
  if (opening.endsWith(":") && opening !== "(?:") throw new Refusal(`the modifier "${opening}"`);
  return "(?:";
}

// White space as JavaScript has it; RE2 has less.
const SPACES =
  "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
const OTHERS =
  "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";
const ANY = "\\x{0}-\\x{10ffff}";

function translateEscape(text: string): string {
  if (text === "\\s") return `[${SPACES}]`;
  if (text === "\\S") return `[${OTHERS}]`;
  if (/^\\(?:[1-9]|k)/.test(text)) throw new Refusal(`the back-reference "${text}"`);
  if (/^\\[bBdDwW]$/.test(text)) return text;
  if (/^\\[pP]/.test(text)) return translateProperty(text);
  return translateCharacter(text);
}

/** Categories and scripts by the short names that RE2 has. */
function translateProperty(text: string): string {
  const name = text.slice(3, -1).replace(/^(?:General_Category|gc|Script|sc)=/, "");
  const property = `${text.slice(0, 2)}{${name}}`;
  try {
    RE2JS.compile(property);
    return property;
  } catch {
    throw new Refusal(`the property "${text}"`);
  }
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
  ["0", 0],
]);

/** Translates one character, escaped or not, to its code point. */
function translateCharacter(text: string): string {
  const codePoint = toCodePoint(text);
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) throw new Refusal(`half a surrogate pair, "${text}"`);
  return `\\x{${codePoint.toString(16)}}`;
}

function toCodePoint(text: string): number {
  if (!text.startsWith("\\")) return text.codePointAt(0) ?? 0;
  const rest = text.slice(1);
  const pair = /^u([0-9a-fA-F]{4})\\u([0-9a-fA-F]{4})$/.exec(rest);
  if (pair) return String.fromCharCode(...pair.slice(1).map((hex) => Number.parseInt(hex, 16))).codePointAt(0) ?? 0;
  const hex = /^(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))$/.exec(rest);
  if (hex) return Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
  if (/^c[a-zA-Z]$/.test(rest)) return rest.charCodeAt(1) % 32;
  return CONTROLS.get(rest) ?? rest.codePointAt(0) ?? 0;
}

const CLASS_ITEM =
  /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|c[a-zA-Z]|[\s\S])|[\s\S]/gu;

/** Translates brackets. Empty ones match no character, or any character; RE2 would read them as not closed. */
function translateClass(brackets: string): string {
  const isNegated = brackets.startsWith("[^");
  const items = brackets.slice(isNegated ? 2 : 1, -1).match(CLASS_ITEM) ?? [];
  if (items.length === 0) return isNegated ? `[${ANY}]` : `[^${ANY}]`;
  let syntax = "";
  for (let place = 0; place < items.length; place += 1) {
    const [item = "", dash, end] = items.slice(place, place + 3);
    if (dash !== "-" || end === undefined) {
      syntax += translateItem(item);
      continue;
    }
    syntax += `${translateItem(item)}-${translateItem(end)}`;
    place += 2;
  }
  return `[${isNegated ? "^" : ""}${syntax}]`;
}

function translateItem(item: string): string {
  if (item === "\\s") return SPACES;
  if (item === "\\S") return OTHERS;
  if (item === "\\b") return "\\x{8}";
  if (/^\\[dDwW]$/.test(item)) return item;
  return /^\\[pP]/.test(item) ? translateProperty(item) : translateCharacter(item);
}

/** Measures the size of the expanded pattern, and refuses the count that makes a short pattern too large. */
function addTo(measure: Measure, construct: string): void {
  const { groups } = measure;
  if (construct.startsWith("(")) {
    groups.push({ extent: EMPTY, last: EMPTY });
    return;
  }
  const closed = construct === ")" ? groups.pop() : undefined;
  const group = groups.at(-1);
  if (group === undefined) return;
  const repeats = toRepeats(construct);
  if (construct.startsWith("{")) measure.lastCount = construct;
  const added = repeats === undefined ? (closed?.extent ?? SINGLE) : repeat(group.last, repeats);
  const replaced = repeats === undefined ? 0 : group.last.parts;
  group.last = added;
  group.extent = {
    parts: group.extent.parts - replaced + added.parts,
    copies: Math.max(group.extent.copies, added.copies),
  };
  if (added.copies > MAX_COPIES || group.extent.parts > MAX_PARTS) {
    throw new Refusal(`the oversized count "${measure.lastCount}"`);
  }
}

/** Returns how often a quantifier expands its part; undefined for other constructs. */
function toRepeats(construct: string): number | undefined {
  if (/^[*+?]/.test(construct)) return 1;
  const count = /^\{([0-9]+)(?:,([0-9]*))?\}/.exec(construct);
  return count ? Math.max(1, Number(count[1]), Number(count[2] ?? 0)) : undefined;
}

function repeat({ parts, copies }: Extent, times: number): Extent {
  return { parts: Math.max(1, parts) * times, copies: copies * times };
}
