import { toFlag, toShellCommand } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toCommandFacts } from "./command.ts";
import { loadAllCommands } from "./command-table.ts";
import { readCommandLine } from "./read-command-line.ts";

const NAMES = ["--force", "-x", "-", "--", "--json", "--verbose", "--help", "-h", "-v", "--version", "help", "stacks"];

const facts = (await loadAllCommands()).map(toCommandFacts);
const commands = facts
  .map(({ name, args }) => ({
    name,
    places: args.filter(({ positional, choices }) => positional && choices.length === 0),
    required: args.filter(({ positional, required }) => required && !positional),
  }))
  .filter(({ places }) => places.length > 0);

/** Reads a command of words without quotes. */
async function read(text: string) {
  const [, ...words] = text.split(" ");
  const options = { names: facts.map(({ name }) => name), listCommands: async () => facts, columns: undefined };
  return (await readCommandLine(words, options)).read;
}

/** As `toShellCommand` is called with the command as its literal text. */
function toCommand(command: string, names: readonly string[], options: readonly string[]): string {
  const texts = [`stackyard ${command} `, ...names.slice(1).map(() => " "), ` ${options.join(" ")}`];
  return toShellCommand(Object.assign(texts, { raw: texts }), ...names);
}

describe("a command that is shown to be copied", () => {
  it.each(commands)("$name takes each name as a name", async ({ name: command, places, required }) => {
    const options = ["--json", ...required.flatMap(({ name, choices: [value = "1"] }) => [toFlag(name), value])];
    for (const name of NAMES) {
      const names = places.map(() => name);
      const text = toCommand(command, names, options);

      const answer = await read(text);

      const args = Object.fromEntries(places.map((place) => [place.name, place.many ? [name] : name]));
      expect([text, answer]).toMatchObject([text, { kind: "invocation", invocation: { command, json: true, args } }]);
    }
  });
});
