// Controls, format characters (zero-width, bidi), line separators, unpaired surrogates, characters without a glyph, and
// spaces that look like others.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;

/**
 * Returns true for a text that people can distinguish from others: without invisible and bidirectional characters, line
 * separators and outer spaces, in the normal form NFC, and not longer than `maxLength`.
 */
export function isPlainName(text: unknown, maxLength = 256): text is string {
  if (typeof text !== "string" || text === "" || text.length > maxLength) return false;
  return !HIDDEN.test(text) && text.trim() === text && text.normalize("NFC") === text;
}
