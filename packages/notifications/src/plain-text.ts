import { cutText } from "@stackyard/core";

/** Controls but line feeds, and characters that change the direction or the order of text. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Removes what could hide or reorder text. Line feeds remain. */
export function toPlainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(UNSAFE, (character) => (character === "\n" ? "\n" : ""));
}

/** Converts a text as `toPlainText` does, to one line of at most `maxLength` characters. */
export function toPlainLine(text: string, maxLength: number): string {
  return cutText(toPlainText(text).replaceAll(/\s+/g, " ").trim(), maxLength);
}

/** Formats a line of a list: when something happened, and its title. */
export function formatLine({ at, title }: { readonly at: number; readonly title: string }): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")}  ${title}`;
}
