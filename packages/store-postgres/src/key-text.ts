const ESCAPE = "\uFFFE";
const UNSTORABLE = /[\0\uFFFE\uD800-\uDFFF]/gu;
const ESCAPED = /\uFFFE([0-9a-f]{4})/g;

/**
 * A text as PostgreSQL can keep it in a key column: it refuses U+0000, and half of a surrogate pair would become another
 * character. Such characters, hardly ever met, are escaped.
 */
export function toKeyText(text: string): string {
  return text.isWellFormed() && !text.includes("\0") && !text.includes(ESCAPE)
    ? text
    : text.replace(UNSTORABLE, (unit) => ESCAPE + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** What `toKeyText` was given. */
export function fromKeyText(text: string): string {
  return text.includes(ESCAPE)
    ? text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}
