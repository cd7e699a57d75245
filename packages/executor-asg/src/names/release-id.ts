import { toStamp } from "./stamp.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** The id of a new release, or of one execution of it: `release-<time>-<letters>`. */
export function toReleaseId(at: number, letters: string): string {
  return `release-${toStamp(at)}-${letters}`;
}

/** Seven lower-case letters. `random` gives numbers from 0 to below 1. */
export function toLetters(random: () => number): string {
  return Array.from({ length: 7 }, () => LETTERS.charAt(Math.floor(random() * LETTERS.length))).join("");
}
