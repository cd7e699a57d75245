import { CommanderError, Option, Command as Program } from "commander";
import { type TSchema, Type } from "typebox";
import { type Command, toFlag } from "../command.ts";

/** The command that the words mean, with its arguments by name. */
export interface Invocation {
  readonly command: Command;
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
}

/** What reading the words of a command line gives. */
export type ReadResult =
  | { readonly kind: "invocation"; readonly invocation: Invocation }
  /** Help or the version: to standard output. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "usage"; readonly message: string; readonly json: boolean; readonly help: string };

export interface ReadInput {
  readonly commands: readonly Command[];
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
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    const json = words.includes("--json");
    const isHelp = error.code === "commander.help";
    const message = isHelp ? "A command is missing." : toSentence(error.message);
    return { kind: "usage", message, json, help: isHelp ? text : "" };
  }
  if (found === undefined) return { kind: "usage", message: "A command is missing.", json: false, help: text };
  return { kind: "invocation", invocation: found };
}

/** The help of one command, as `--help` prints it. */
export function toHelpText(name: string, input: ReadInput): string {
  const program = createProgram(input);
  addCommands(program, input, () => {});
  const words = name.split(" ");
  let target = program;
  for (const word of words) target = target.commands.find((each) => each.name() === word) ?? target;
  return target.configureOutput({ getOutHelpWidth: () => input.columns ?? 100 }).helpInformation();
}

type Found = (invocation: Invocation) => void;

function createProgram({ version }: ReadInput): Program {
  return new Program("stackyard")
    .description("State machines for stacks of infrastructure.")
    .version(version, "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Show help.")
    .helpCommand("help [command]", "Show the help of a command.")
    .exitOverride()
    .showSuggestionAfterError(true)
    .allowExcessArguments(false)
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 the answer is no or the work failed, 2 failed and left something behind,\n3 could not start, 4 timed out, 64 wrong words, 130 interrupted.\n",
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
    }
    addCommand(parent.command(last), command, found);
  }
}

function addCommand(program: Program, command: Command, found: Found): void {
  const { args, description, examples, summary } = command;
  program.summary(summary).description(description ? `${summary}\n\n${description}` : summary);
  const required: readonly string[] = args.required ?? [];
  addArguments(program, command, required);
  for (const [name, schema] of Object.entries(args.properties)) {
    if (!command.positionals.includes(name)) program.addOption(toOption(name, schema, required.includes(name)));
  }
  program.option("--json", "Print results as JSON, one object a line.");
  if (examples.length > 0) {
    const lines = examples.map(({ command: typed, what }) => `  ${typed}\n      ${what}`);
    program.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  }
  program.action(() => {
    const options = program.opts<Record<string, unknown>>();
    found({ command, args: toArgs(command, program.processedArgs, options), json: options["json"] === true });
  });
}

function addArguments(program: Program, { args, positionals }: Command, required: readonly string[]): void {
  for (const name of positionals) {
    const schema = args.properties[name] ?? Type.String();
    const word = isArray(schema) ? `${toWord(name, schema)}...` : toWord(name, schema);
    program.argument(required.includes(name) ? `<${word}>` : `[${word}]`, describe(schema));
  }
}

function toOption(name: string, schema: TSchema, required: boolean): Option {
  const flag = toFlag(name);
  const word = isBoolean(schema) ? "" : ` <${toWord(name, schema)}>`;
  const short = keywordOf(schema, "short");
  const option = new Option(`${short ? `-${short}, ` : ""}${flag}${word}`, describe(schema));
  if (isArray(schema)) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  const choices = choicesOf(schema);
  if (choices.length > 0) option.choices(choices);
  return option.makeOptionMandatory(required);
}

function toArgs(command: Command, given: readonly unknown[], options: Readonly<Record<string, unknown>>) {
  const args: Record<string, unknown> = {};
  for (const [index, name] of command.positionals.entries()) {
    const value = given[index];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) args[name] = value;
  }
  for (const [name, schema] of Object.entries(command.args.properties)) {
    if (command.positionals.includes(name)) continue;
    const value = toFlag(name).startsWith("--no-") ? readNegation(name, options) : options[name];
    if (value !== undefined) args[name] = toValue(value, schema);
  }
  return args;
}

// `--no-token` sets `token` to false.
function readNegation(name: string, options: Readonly<Record<string, unknown>>): true | undefined {
  const positive = name.slice(2, 3).toLowerCase() + name.slice(3);
  return options[positive] === false ? true : undefined;
}

function toValue(value: unknown, schema: TSchema): unknown {
  const type = keywordOf(schema, "type");
  if (typeof value !== "string" || (type !== "integer" && type !== "number")) return value;
  return value.trim() === "" || Number.isNaN(Number(value)) ? value : Number(value);
}

function choicesOf(schema: TSchema): string[] {
  const anyOf: unknown = "anyOf" in schema ? schema.anyOf : undefined;
  if (!Array.isArray(anyOf)) return [];
  return anyOf.flatMap((each: { const?: unknown }) => (typeof each.const === "string" ? [each.const] : []));
}

function toWord(name: string, schema: TSchema): string {
  return keywordOf(schema, "placeholder") ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function describe(schema: TSchema): string {
  return keywordOf(schema, "description") ?? "";
}

function isBoolean(schema: TSchema): boolean {
  return keywordOf(schema, "type") === "boolean";
}

function isArray(schema: TSchema): boolean {
  return keywordOf(schema, "type") === "array";
}

function keywordOf(schema: TSchema, keyword: string): string | undefined {
  const found = Object.entries(schema).find(([key]) => key === keyword)?.[1];
  return typeof found === "string" ? found : undefined;
}

function toSentence(message: string): string {
  const text = message.replace(/^error: /, "").replaceAll("\n", " ");
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?)]$/.test(first) ? first : `${first}.`;
}
