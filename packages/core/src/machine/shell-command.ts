import { toShellWord } from "./shell-word.ts";

/** A name is one word, whatever it contains. A list is words of options, such as `["--region", "eu-west-1"]`. */
type Part = string | readonly string[];

interface Word {
  readonly text: string;
  readonly kind: "literal" | "name" | "option";
}

/**
 * Returns a command of `stackyard` that people copy, from a template: `` toShellCommand`stackyard stacks show ${id}` ``.
 * Each name is quoted for a shell. One that begins with `-` is not read as an option: then the options come first, and
 * `--` before the names. In the template the options and their values stand after all names.
 */
export function toShellCommand(texts: TemplateStringsArray, ...parts: readonly Part[]): string {
  const words = texts.flatMap((text, index) => [...toLiterals(text), ...toWords(parts[index] ?? [])]);
  const begin = words.findIndex(({ kind }) => kind !== "literal");
  const end = words.findIndex(({ kind, text }) => kind === "option" || (kind === "literal" && text.startsWith("--")));
  const options = end < 0 ? [] : words.slice(end);
  const names = words.slice(begin, end < 0 ? undefined : end);
  const isSafe = begin < 0 || (end >= 0 && end < begin) || !names.some(isLikeOption);
  const ordered = isSafe ? words.map(print) : [...words.slice(0, begin), ...options].map(print);
  return isSafe ? ordered.join(" ") : [...ordered, "--", ...names.map(print)].join(" ");
}

function toLiterals(text: string): readonly Word[] {
  return text.split(" ").flatMap((word) => (word === "" ? [] : [{ text: word, kind: "literal" } as const]));
}

function toWords(part: Part): readonly Word[] {
  if (typeof part === "string") return [{ text: part, kind: "name" }];
  return part.map((text) => ({ text, kind: "option" }));
}

function isLikeOption({ text, kind }: Word): boolean {
  return kind === "name" && text.startsWith("-");
}

function print({ text, kind }: Word): string {
  return kind === "literal" ? text : toShellWord(text);
}
