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
  if (repeats > MAX_REPEATS) return undefined;
  try {
    const linear = RE2JS.compile(source);
    return { source, test: (text) => linear.test(text) };
  } catch {
    // It looks ahead or back, which takes more than RE2 does.
    return undefined;
  }
}
