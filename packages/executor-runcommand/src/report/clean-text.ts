import { stripVTControlCharacters } from "node:util";

/** What a terminal or a browser would obey: control characters, and what turns the direction of the text around it. */
const OBEYED = /(?![\n\t])\p{Cc}|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** What programs on instances have said, as text alone: no escape sequences, no control characters but ends of lines. */
export function toCleanText(text: string): string {
  // What is left when sequences are taken out may be one again.
  const plain = stripVTControlCharacters(text.replaceAll("\r\n", "\n").replaceAll("\r", "\n"));
  return stripVTControlCharacters(plain).replaceAll(OBEYED, "").toWellFormed();
}

/** The same on one line, at most so many characters; `…` says that there was more. */
export function toCell(text: string, maxCharacters = 80): string {
  const line = toCleanText(text).replaceAll(/\s+/gu, " ").trim();
  const characters = [...line];
  return characters.length <= maxCharacters ? line : `${characters.slice(0, maxCharacters - 1).join("")}…`;
}

/** The last line that says something; undefined where none does. */
export function findLastLine(text: string | undefined): string | undefined {
  return toCleanText(text ?? "")
    .split("\n")
    .findLast((line) => line.trim() !== "")
    ?.trim();
}
