import { stripVTControlCharacters } from "node:util";
import { cutText, keepEnd, keepStart } from "@stackyard/core";

// Control and format characters: bidirectional ones among them make a text look like another.
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu;
const INVISIBLE_IN_LINES = /[^\P{Cc}\n\t]|\p{Cf}/gu;
const MAX_URL = 2_000;

/** Returns a foreign text as one line of at most `most` characters, without invisible characters. */
export function toLine(text: string, most: number): string {
  // Cut before it is cleaned: a text may have megabytes.
  const line = keepStart(text, 4 * most)
    .toWellFormed()
    .replace(/\s+/gu, " ")
    .replace(INVISIBLE, "")
    .trim();
  return cutText(line, most);
}

/** Returns the last lines of a foreign text, of at most `characters` characters, without invisible characters. */
export function toLastLines(text: string, { lines, characters }: { lines: number; characters: number }): string {
  // Without the colors of terminals, of which only the escape character is invisible.
  const plain = stripVTControlCharacters(keepEnd(text, 4 * characters).toWellFormed());
  const clean = plain.replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(INVISIBLE_IN_LINES, "");
  return keepEnd(clean.trimEnd().split("\n").slice(-lines).join("\n"), characters);
}

const OWN_ADDRESS = /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$))/;

/** Returns an address of the yard itself if it may be linked: https, or http on the same computer. */
export function findOwnLink(url: string): string | undefined {
  return OWN_ADDRESS.test(url) && URL.canParse(url) && url.length <= MAX_URL ? new URL(url).href : undefined;
}

/** Returns the address if it may be linked: https, and without a user. */
export function findLink(text: unknown): string | undefined {
  if (typeof text !== "string" || text.length > MAX_URL || !URL.canParse(text)) return undefined;
  const { protocol, username, password, href } = new URL(text);
  return protocol === "https:" && username === "" && password === "" && href.length <= MAX_URL ? href : undefined;
}
