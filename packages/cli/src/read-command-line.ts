import { defined } from "@stackyard/core";
import type { CommandFacts } from "./command-facts.ts";
import { GROUPS } from "./command-groups.ts";
import { VERSION } from "./own-version.ts";
import { type ReadResult, readWords } from "./program.ts";
import { findGroupName } from "./suggestions.ts";

interface ReadOptions {
  /** The commands of this package by name, without those of plugins. */
  readonly names: readonly string[];
  /** Returns the commands that the words may mean. */
  readonly listCommands: (words: readonly string[]) => Promise<readonly CommandFacts[]>;
  readonly columns: number | undefined;
}

/** Reads a command line by what is known of its commands. `isKnown` is true when its first word is the one of a command. */
export async function readCommandLine(
  given: readonly string[],
  { names: own, listCommands, columns }: ReadOptions,
): Promise<{ readonly read: ReadResult; readonly words: readonly string[]; readonly isKnown: boolean }> {
  const words = toGroupWords(given, own);
  const commands = await listCommands(words);
  const names = commands.map(({ name }) => name);
  const read = await readWords(toGroupWords(words, names), {
    commands,
    groups: GROUPS,
    version: VERSION,
    ...defined({ columns }),
  });
  return { read, words, isKnown: hasFirstWord(names, words) };
}

/** Returns the names of our commands that the first words name, with those under it. Returns none if they name none. */
export function findNamed(names: readonly string[], words: readonly string[]): readonly string[] {
  const [first, second] = words.filter((word) => !word.startsWith("-"));
  const exact = `${first} ${second}`;
  if (names.includes(exact)) return [exact];
  if (!names.some((name) => name === first)) return [];
  return names.filter((name) => `${name} `.startsWith(`${first} `));
}

/** Replaces a group's singular or plural by its real name: `stack ls` means `stacks ls`. */
function toGroupWords(words: readonly string[], names: readonly string[]): readonly string[] {
  if (hasFirstWord(names, words)) return words;
  const at = words.findIndex((word) => !word.startsWith("-") && word !== "help");
  const group = findGroupName(words[at] ?? "", names);
  return group === undefined ? words : words.with(at, group);
}

function hasFirstWord(names: readonly string[], words: readonly string[]): boolean {
  const [first] = words.filter((word) => !word.startsWith("-"));
  return first !== undefined && names.some((name) => name.split(" ")[0] === first);
}
