/**
 * Returns a text with U+FFFD for NUL and for halves of characters, which PostgreSQL, code hosts and AWS refuse. Programs
 * print them when they cut a text themselves.
 */
export function toStrictText(text: string): string {
  const whole = text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

/** `JSON.stringify` escapes NUL and halves of characters only like this. A backslash of a text is an escape too. */
const ESCAPE = /\\(?:(u0000|ud[89a-f][0-9a-f]{2})|.)/g;

/** Returns a value as JSON whose texts are strict, its keys too: for requests that a refused text would end. */
export function toStrictJson(value: object): string {
  return JSON.stringify(value).replace(ESCAPE, (all: string, refused?: string) => (refused ? "\ufffd" : all));
}
