const MARK = "…";

/**
 * Returns a text of at most `most` UTF-16 units; the end of a cut text is `…`. A character is never split: JSON writes
 * half of one as a lone `\ud83d`, and databases, code hosts and AWS refuse the whole request for it.
 */
export function cutText(text: string, most: number): string {
  return text.length > most ? `${keepStart(text, most - MARK.length)}${MARK}` : text;
}

/** Returns the beginning of a longer text and its end, at most `most` UTF-16 units with the mark between them. */
export function cutMiddle(text: string, most: number, mark = MARK): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - mark.length) / 2);
  return `${keepStart(text, half)}${mark}${keepEnd(text, half)}`;
}

/** Returns the beginning of a text, at most `most` UTF-16 units, without a mark. A character is never split. */
export function keepStart(text: string, most: number): string {
  return text.slice(0, isWithinCharacter(text, most) ? most - 1 : Math.max(0, most));
}

/** Returns the end of a text, at most `most` UTF-16 units, without a mark. A character is never split. */
export function keepEnd(text: string, most: number): string {
  const start = text.length - Math.min(text.length, Math.max(0, most));
  return text.slice(isWithinCharacter(text, start) ? start + 1 : start);
}

/** Returns a text without these characters at its end. A pattern for this takes the square of a run within the text. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function isWithinCharacter(text: string, offset: number): boolean {
  return offset > 0 && (text.codePointAt(offset - 1) ?? 0) > 0xffff;
}

/** Returns the beginning of a text, at most `most` bytes of UTF-8. */
export function keepStartBytes(text: string, most: number): string {
  const bytes = new TextEncoder().encode(text);
  return bytes.byteLength <= most ? text : decode(bytes.subarray(0, findCut(bytes, most)));
}

/** Returns the end of a text, at most `most` bytes of UTF-8. */
export function keepEndBytes(text: string, most: number): string {
  const bytes = new TextEncoder().encode(text);
  let start = bytes.byteLength - Math.max(0, most);
  if (start <= 0) return text;
  while (isContinued(bytes, start)) start += 1;
  return decode(bytes.subarray(start));
}

/** Returns the greatest offset up to `most` that does not split a character of UTF-8. */
export function findCut(bytes: Uint8Array, most: number): number {
  let cut = Math.max(0, Math.min(most, bytes.byteLength));
  while (cut > 0 && isContinued(bytes, cut)) cut -= 1;
  return cut;
}

/** Returns true for the further bytes of a character, which begin with the bits 10. */
function isContinued(bytes: Uint8Array, offset: number): boolean {
  return ((bytes[offset] ?? 0) & 0xc0) === 0x80;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
