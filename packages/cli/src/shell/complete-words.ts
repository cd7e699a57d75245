import type { Command } from "../command.ts";
import { toFlag } from "../command.ts";
import { type ArgumentFacts, toArgumentFacts } from "./argument-facts.ts";
import { GLOBAL_OPTIONS } from "./program.ts";

/** What a word may be: words that are known already, or values that a project or a yard knows. */
export type Completion =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | {
      readonly kind: "values";
      /** What the schema of the argument names by `completes`, such as `stack`. */
      readonly of: string;
      readonly command: Command;
      /** Arguments that were typed before, by name. */
      readonly typed: ReadonlyMap<string, string>;
    };

/**
 * Returns what may stand for the last of these words: commands, flags, choices, or the kind of value that its argument
 * takes. `words` are those after the program's name; the last one is what was typed of the present word.
 */
export function completeWords(words: readonly string[], commands: readonly Command[]): Completion {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const found = findCommand(before, commands);
  if (found === undefined) return { kind: "words", words: listNextWords(before, current, commands) };
  const { command, rest } = found;
  const read = readArguments(toArgumentFacts(command), rest);
  const wanted = read.open ?? (current.startsWith("-") ? undefined : read.next);
  if (wanted !== undefined) return completeValue(wanted, command, read.typed);
  if (!current.startsWith("-")) return { kind: "words", words: [] };
  return { kind: "words", words: listFlags(command) };
}

/** The flags of a command, those of every command with them. */
export function listFlags(command: Command): readonly string[] {
  const own = toArgumentFacts(command).filter(({ positional }) => !positional);
  return [...own.map(({ name }) => toFlag(name)), ...GLOBAL_FLAGS];
}

const GLOBAL_FLAGS: readonly string[] = [
  ...GLOBAL_OPTIONS.flatMap(([flags]) => flags.split(", ").filter((flag) => flag.startsWith("--"))),
  "--help",
];

function findCommand(
  words: readonly string[],
  commands: readonly Command[],
): { readonly command: Command; readonly rest: readonly string[] } | undefined {
  const start = words.findIndex((word) => !word.startsWith("-"));
  if (start < 0) return undefined;
  for (const length of [3, 2, 1]) {
    const name = words.slice(start, start + length).join(" ");
    const command = commands.find((each) => each.name === name && name.split(" ").length === length);
    if (command !== undefined) return { command, rest: words.slice(start + length) };
  }
  return undefined;
}

function listNextWords(before: readonly string[], current: string, commands: readonly Command[]): readonly string[] {
  const typed = before.filter((word) => !word.startsWith("-"));
  if (current.startsWith("-")) return [...GLOBAL_FLAGS, ...(typed.length === 0 ? ["--version"] : [])];
  const under = commands
    .map(({ name }) => name.split(" "))
    .filter((name) => name.length > typed.length && typed.every((word, index) => name[index] === word));
  return [...new Set(under.map((name) => name[typed.length] ?? ""))];
}

interface ReadArguments {
  /** The flag whose value comes next. */
  readonly open: ArgumentFacts | undefined;
  /** The positional argument that comes next. */
  readonly next: ArgumentFacts | undefined;
  readonly typed: ReadonlyMap<string, string>;
}

function readArguments(facts: readonly ArgumentFacts[], words: readonly string[]): ReadArguments {
  const positionals = facts.filter(({ positional }) => positional);
  const typed = new Map<string, string>();
  let open: ArgumentFacts | undefined;
  let at = 0;
  for (const word of words) {
    const place = open ?? (word.startsWith("-") ? undefined : positionals[at]);
    if (place !== undefined) typed.set(place.name, word);
    if (open === undefined && place !== undefined && !place.many) at += 1;
    open = place === undefined ? readFlag(word, facts, typed) : undefined;
  }
  return { open, next: positionals[at], typed };
}

/** Returns the flag when its value is the next word; a value behind `=` is noted. */
function readFlag(
  word: string,
  facts: readonly ArgumentFacts[],
  typed: Map<string, string>,
): ArgumentFacts | undefined {
  const [flag = "", value] = word.split("=", 2);
  const isMeant = ({ name, short }: ArgumentFacts) => toFlag(name) === flag || `-${short}` === flag;
  const found = facts.find((each) => !each.positional && isMeant(each));
  if (found === undefined || found.isSwitch) return undefined;
  if (value === undefined) return found;
  typed.set(found.name, value);
  return undefined;
}

function completeValue(
  { choices, completes }: ArgumentFacts,
  command: Command,
  typed: ReadonlyMap<string, string>,
): Completion {
  if (choices.length > 0) return { kind: "words", words: choices };
  return completes === undefined ? { kind: "words", words: [] } : { kind: "values", of: completes, command, typed };
}
