import { findNearestName, toFlag } from "@stackyard/core";
import { CommanderError, Option, Command as Program } from "commander";
import { type ArgumentFacts, type CommandFacts, toPlace } from "./command-facts.ts";
import { findFamiliarCommand } from "./suggestions.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json: boolean;
  /** True for results and errors only. */
  readonly quiet: boolean;
  /** True to also print what the command does meanwhile, and where an error comes from. */
  readonly verbose: boolean;
  /** False for no colors, whatever the environment says. */
  readonly color: boolean;
}

/** The command that the words mean, with its arguments by name. */
export interface Invocation extends GlobalOptions {
  /** Its name. */
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The result of parsing a command line. */
export type ReadResult =
  | { readonly kind: "invocation"; readonly invocation: Invocation }
  /** Help or the version: to standard output. */
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "usage";
      readonly message: string;
      readonly json: boolean;
      readonly help: string;
      /** The words to type instead. */
      readonly hint?: string;
    };

interface ReadInput {
  readonly commands: readonly CommandFacts[];
  /** One sentence for each first word that has commands under it. */
  readonly groups: Readonly<Record<string, string>>;
  readonly version: string;
  readonly columns?: number;
}

/** Reads the words after the program's name. */
export async function readWords(words: readonly string[], input: ReadInput): Promise<ReadResult> {
  let found: Invocation | undefined;
  let text = "";
  const program = createProgram(input);
  program.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    writeErr: (part) => {
      text += part;
    },
    outputError: () => {},
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    getOutHelpWidth: () => input.columns ?? 100,
    getErrHelpWidth: () => input.columns ?? 100,
  });
  addCommands(program, input, (invocation) => {
    found = invocation;
  });
  const asked = findHelpWords(words);
  const unknown = findUnknownWords(program, findCommandWords(words), input.commands);
  if (unknown !== undefined) return { kind: "usage", ...unknown, json: words.includes("--json"), help: "" };
  try {
    await program.parseAsync(asked.length > 0 ? [...asked, "--help"] : toOrder(words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return toUsageError(error, words, text);
  }
  if (found === undefined) return { kind: "usage", message: "A command is missing.", json: false, help: text };
  return { kind: "invocation", invocation: found };
}

function toUsageError({ code, message }: CommanderError, words: readonly string[], text: string): ReadResult {
  const json = words.includes("--json");
  if (code === "commander.help") return { kind: "usage", message: "A command is missing.", json, help: text };
  const isFirst = code === "commander.unknownOption" && words[0]?.startsWith("-") === true;
  return { kind: "usage", message: toSentence(message), json, help: "", ...(isFirst ? { hint: COMMAND_FIRST } : {}) };
}

const COMMAND_FIRST = "Write the command first, then its options, as in `stackyard stacks ls --url ADDRESS`.";

// The parser's `help` supports only commands of one word.
function findHelpWords(words: readonly string[]): readonly string[] {
  const [first, ...rest] = words.filter((word) => !word.startsWith("-"));
  return first === "help" ? rest.filter((word) => word !== "help") : [];
}

/** Returns the words up to the first flag: those that may name a command. */
function findCommandWords(words: readonly string[]): readonly string[] {
  const asked = findHelpWords(words);
  if (asked.length > 0 || words[0] === "help") return asked;
  const rest = toOrder(words);
  const end = rest.findIndex((word) => word.startsWith("-"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Returns the error of unknown words. The parser ignores them with `--help`, and does not know other tools. */
function findUnknownWords(
  program: Program,
  words: readonly string[],
  commands: readonly CommandFacts[],
): { readonly message: string; readonly hint?: string } | undefined {
  let parent = program;
  for (const [index, word] of words.entries()) {
    if (parent.commands.length === 0) return undefined;
    const found = parent.commands.find((each) => each.name() === word);
    if (found === undefined) {
      const typed = words.slice(0, index + 1);
      const message = `Unknown command '${typed.join(" ")}'`;
      const familiar = findFamiliarCommand(typed, words.slice(index + 1), commands);
      if (familiar !== undefined) return { message: `${message}.`, hint: familiar };
      const names = parent.commands.map((each) => each.name());
      const near = findNearestName(word, names);
      if (near === undefined) return { message: `${message}.` };
      return { message: `${message} (Did you mean ${typed.with(-1, near).join(" ")}?)` };
    }
    parent = found;
  }
  return undefined;
}

const GLOBAL_FLAGS: ReadonlySet<string> = new Set(["--json", "-q", "--quiet", "--verbose", "--no-color"]);

/** Moves leading global flags behind the command: `stackyard --json stacks ls` means `stackyard stacks ls --json`. */
function toOrder(words: readonly string[]): string[] {
  if (words[0] === "help" && words.includes("--help")) return ["--help"];
  const first = words.findIndex((word) => !GLOBAL_FLAGS.has(word));
  if (first <= 0) return [...words];
  const flags = words.slice(0, first);
  const rest = words.slice(first);
  const at = rest.indexOf("--");
  return at < 0 ? [...rest, ...flags] : [...rest.slice(0, at), ...flags, ...rest.slice(at)];
}

type Found = (invocation: Invocation) => void;

function createProgram({ version }: ReadInput): Program {
  return (
    new Program("stackyard")
      .description("State machines for stacks of infrastructure.")
      .version(version, "-v, --version", "Print the version.")
      .helpOption("-h, --help", "Show help.")
      .helpCommand("help [command]", "Show the help of a command.")
      .exitOverride()
      // Otherwise a command with subcommands, such as `audit`, would consume their options.
      .enablePositionalOptions()
      .showSuggestionAfterError(true)
      .allowExcessArguments(false)
      .addHelpText(
        "after",
        "\nExit codes: 0 done, 1 negative result or the work failed, 2 failed and left something behind,\n3 could not start, 4 timed out, 64 usage error, 130 interrupted.\n",
      )
  );
}

function addCommands(program: Program, { commands, groups }: ReadInput, found: Found): void {
  for (const command of commands) {
    const words = command.name.split(" ");
    const last = words.pop() ?? "";
    let parent = program;
    for (const word of words) {
      const group = parent.commands.find((each) => each.name() === word);
      parent = group ?? parent.command(word).description(groups[word] ?? "");
      parent.enablePositionalOptions();
    }
    addCommand(parent.command(last), command, found);
  }
}

function addCommand(program: Program, command: CommandFacts, found: Found): void {
  const { description, examples = {}, summary, args: facts } = command;
  program.summary(summary).description(description ? `${summary}\n\n${description}` : summary);
  for (const each of facts) {
    if (each.positional) program.argument(toPlace(each), each.description);
    else program.addOption(toOption(each));
  }
  for (const [flags, what] of GLOBAL_OPTIONS) program.option(flags, what);
  const lines = Object.entries(examples).map(([typed, what]) => `  ${typed}\n      ${what}`);
  if (lines.length > 0) program.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  program.action(() => {
    const options = program.opts<Record<string, unknown>>();
    found({
      command: command.name,
      args: toArgs(facts, program.processedArgs, options),
      json: options["json"] === true,
      quiet: options["quiet"] === true,
      verbose: options["verbose"] === true,
      color: options["color"] !== false,
    });
  });
}

/** The options that every command takes, and what each does. */
export const GLOBAL_OPTIONS = [
  ["--json", "Print results as JSON, one object per line."],
  ["-q, --quiet", "Print only results and errors."],
  ["--verbose", "Print details of the work, and the stack trace of an error."],
  ["--no-color", "Print no colors."],
] as const;

function toOption({ name, short, isSwitch, many, word, choices, required, description }: ArgumentFacts): Option {
  const value = isSwitch ? "" : ` <${word}>`;
  const option = new Option(`${short ? `-${short}, ` : ""}${toFlag(name)}${value}`, description);
  if (many) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  if (choices.length > 0) option.choices(choices);
  return option.makeOptionMandatory(required);
}

function toArgs(
  facts: readonly ArgumentFacts[],
  given: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
) {
  const args: Record<string, unknown> = {};
  for (const [index, each] of facts.entries()) {
    const value = each.positional ? given[index] : readOption(each.name, options);
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    args[each.name] = each.isNumber ? toNumber(value) : value;
  }
  return args;
}

function readOption(name: string, options: Readonly<Record<string, unknown>>): unknown {
  // `--dry-run` sets `dryRun`, also of an argument with the name `dry-run`.
  const key = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (!toFlag(name).startsWith("--no-")) return options[key];
  // `--no-token` sets `token` to false.
  const positive = key.slice(2, 3).toLowerCase() + key.slice(3);
  return options[positive] === false ? true : undefined;
}

// Other text stays text, and the schema rejects it.
function toNumber(value: unknown): unknown {
  if (typeof value !== "string" || value.trim() === "" || Number.isNaN(Number(value))) return value;
  return Number(value);
}

function toChoiceFault(_text: string, option: string, value: string, choices: string): string {
  const near = findNearestName(value, choices.split(", "));
  const meant = near === undefined ? "" : ` (Did you mean ${near}?)`;
  return `invalid value '${value}' for '${option}'. Valid values: ${choices}${meant}`;
}

function toSentence(message: string): string {
  const text = message
    .replace(/^error: /, "")
    .replace(/^required option '(.*)' not specified$/, "missing required option '$1'")
    .replace(/^option '(.*)' argument '(.*)' is invalid\. Allowed choices are (.*?)\.?$/, toChoiceFault)
    .replace(/^option '(.*)' argument missing$/, "missing value for '$1'")
    .replaceAll("\n", " ");
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?)]$/.test(first) ? first : `${first}.`;
}
