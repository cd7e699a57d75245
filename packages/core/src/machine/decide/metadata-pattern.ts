import { RE2JS } from "re2js";

/** What a text of metadata is searched for. */
export interface MetadataPattern {
  readonly source: string;
  test(text: string): boolean;
}

/** The most characters of a pattern. */
export const MAX_PATTERN = 1_000;

// RE2 writes counted repetitions out, so they are what makes a short pattern large.
const MAX_REPEATS = 1_000;

/**
 * A regular expression in JavaScript's syntax with the flag `u`, searched unanchored. Texts come from outside, and
 * JavaScript may take exponential time for a repetition inside another; so a pattern with repetitions is searched by RE2,
 * in linear time, where RE2 knows it too. Throws a `SyntaxError` for what is no regular expression.
 */
export function createMetadataPattern(source: string): MetadataPattern {
  const pattern = new RegExp(source, "u");
  return (/[*+{]/.test(source) && findLinear(source)) || pattern;
}

function findLinear(source: string): MetadataPattern | undefined {
  const repeats = [...source.matchAll(/\d+/g)].reduce((sum, [digits]) => sum + Number(digits), 0);
  const translated = toLinearSyntax(source);
  if (repeats > MAX_REPEATS || translated === undefined) return undefined;
  try {
    const linear = RE2JS.compile(translated);
    return { source, test: (text) => linear.test(text) };
  } catch {
    // It looks ahead or back, which takes more than RE2 does.
    return undefined;
  }
}

// White space and ends of lines as JavaScript has them; RE2 has fewer.
const SPACES =
  "\\t\\n\\v\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
const OUTSIDE: Readonly<Record<string, string>> = {
  ".": "[^\\n\\r\\x{2028}\\x{2029}]",
  "\\s": `[${SPACES}]`,
  "\\S": `[^${SPACES}]`,
};
// In RE2 a bracket inside of brackets may begin the name of a class.
const INSIDE: Readonly<Record<string, string>> = { "[": "\\[", "\\s": SPACES };

/** A pattern of JavaScript as RE2 writes the same; undefined where it cannot. */
function toLinearSyntax(source: string): string | undefined {
  let translated = "";
  let isInside = false;
  for (const { 0: token, index } of source.matchAll(/\\[\s\S]|[\s\S]/gu)) {
    const same = isInside ? translateInside(token) : translateOutside(token, source.slice(index, index + 3));
    if (same === undefined) return undefined;
    translated += same;
    if (token === "[") isInside = true;
    if (token === "]") isInside = false;
  }
  return translated;
}

function translateInside(token: string): string | undefined {
  return token === "\\S" ? undefined : (INSIDE[token] ?? token);
}

// Brackets around nothing take nothing, or anything; to RE2 they are not closed yet.
function translateOutside(token: string, ahead: string): string | undefined {
  return /^\[\^?\]/.test(ahead) ? undefined : (OUTSIDE[token] ?? token);
}
