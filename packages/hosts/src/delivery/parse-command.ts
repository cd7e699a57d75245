import { findNearestName } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { HookArguments } from "./hook.ts";

/** Words that follow `/preview` in a comment of a pull request. */
export const COMMAND_WORDS = [
  "up",
  "down",
  "sleep",
  "wake",
  "extend",
  "retry",
  "plan",
  "trust",
  "approve",
  "status",
] as const;

/** One of the words that follow `/preview`. */
export type CommandWord = (typeof COMMAND_WORDS)[number];

/** The command of a comment. `unknown`: it begins with `/preview` but is invalid; `message` explains the syntax. */
export type ParsedCommand =
  | { readonly kind: "command"; readonly word: CommandWord; readonly args: HookArguments }
  | { readonly kind: "unknown"; readonly message: string };

/** Characters of a command. The rest of the comment is not read. */
const MAX_COMMAND = 200;
const COMMIT = /^[0-9a-f]{40}$/;

/** Returns the command in the first line of a comment; undefined for a comment that is not for Stackyard. */
export function parseCommand(comment: string): ParsedCommand | undefined {
  const line = /^[^\r\n]*/.exec(comment.slice(0, MAX_COMMAND + 1))?.[0] ?? "";
  const [start, word = "", ...words] = line.trim().split(/\s+/);
  if (start !== "/preview") return undefined;
  if (line.length > MAX_COMMAND) return unknown(`A command has at most ${MAX_COMMAND} characters.`);
  const known = COMMAND_WORDS.find((each) => each === word);
  if (known === undefined) return unknown(formatUnknownWord(word));
  if (known === "trust" && !COMMIT.test(words[0] ?? "")) {
    return unknown("Write the commit that you trust: /preview trust followed by its 40 hexadecimal digits.");
  }
  const duration = words.map(findSeconds).find((seconds) => seconds !== undefined);
  if (known === "extend" && duration === undefined) return unknown("Write how long: /preview extend 2d.");
  return { kind: "command", word: known, args: duration === undefined ? { words } : { words, duration } };
}

function unknown(message: string): ParsedCommand {
  return { kind: "unknown", message };
}

function formatUnknownWord(word: string): string {
  const nearest = findNearestName(word, COMMAND_WORDS);
  const hint = nearest === undefined ? `Valid: ${COMMAND_WORDS.join(", ")}.` : `Did you mean ${nearest}?`;
  return word === "" ? `A word is missing. ${hint}` : `Unknown command ${JSON.stringify(word)}. ${hint}`;
}

function findSeconds(word: string): number | undefined {
  const ms = parseDuration(word);
  return ms === undefined ? undefined : Math.round(ms / 1000);
}
