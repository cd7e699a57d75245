import { stripVTControlCharacters } from "node:util";

const OBEYED = /\p{Cc}|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Text of others on one line, at most so many characters: nothing in it moves a cursor, colours or turns a direction. */
export function toCell(text: string, maxCharacters = 80): string {
  // What is left when sequences are taken out may be one again, so controls go as well.
  const line = stripVTControlCharacters(text).replaceAll(/\s+/gu, " ").replaceAll(OBEYED, "").toWellFormed().trim();
  const characters = [...line];
  return characters.length <= maxCharacters ? line : `${characters.slice(0, maxCharacters - 1).join("")}…`;
}

/** An instant to the second, as tables have it. */
export function toDay(instant: string): string {
  return toCell(instant, 40).slice(0, 19);
}
