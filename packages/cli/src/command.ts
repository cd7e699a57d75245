import { StackyardError } from "@stackyard/core";
import { type Static, type TObject, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import type { Output } from "./output.ts";

/** What every command is given. */
export interface CommandContext {
  readonly out: Output;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One line of help: a command as it is typed, and what it does. */
interface CommandExample {
  readonly command: string;
  readonly what: string;
}

interface CommandFacts {
  /** One to three words. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, for `--help` and the reference. */
  readonly description?: string;
  readonly examples: readonly CommandExample[];
  /** Names of arguments without a flag, in order; an array takes all that are left. */
  readonly positionals: readonly string[];
}

/** What the author of a command writes. */
export interface CommandSpec<Args extends TObject> extends Omit<CommandFacts, "positionals"> {
  readonly args: Args;
  readonly positionals?: readonly (keyof Static<Args> & string)[];
  /** Gives the exit code; nothing is 0. Errors fly. */
  run(context: CommandContext, args: Static<Args>): Promise<number | undefined> | number | undefined;
}

/** A command of the table: data, and `run`, which checks its arguments. */
export interface Command extends CommandFacts {
  readonly args: TObject;
  run(context: CommandContext, args: Readonly<Record<string, unknown>>): Promise<number>;
}

/** Makes a command of its parts. Arguments that do not fit the schema are `USAGE`. */
export function defineCommand<Args extends TObject>(spec: CommandSpec<Args>): Command {
  // `createCommand` hands over only what fits the schema.
  return createCommand(spec, (context, args) => spec.run(context, args as Static<Args>));
}

/** As `defineCommand`, where the arguments are put together when the program runs. */
export function createCommand(
  facts: Omit<CommandFacts, "positionals"> & { readonly args: TObject; readonly positionals?: readonly string[] },
  run: (context: CommandContext, args: Readonly<Record<string, unknown>>) => ReturnType<CommandSpec<TObject>["run"]>,
): Command {
  const { name, summary, description, examples, positionals = [], args: schema } = facts;
  return {
    name,
    summary,
    examples,
    positionals,
    args: schema,
    ...(description === undefined ? {} : { description }),
    run: async (context, args) => (await run(context, checkArgs(schema, positionals, args))) ?? 0,
  };
}

/** The flag of an argument: `--state-dir` for `stateDir`. */
export function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function checkArgs(
  { properties }: TObject,
  positionals: readonly string[],
  args: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const schema = Type.Object(properties, { additionalProperties: false });
  if (Value.Check(schema, args)) return args;
  const faults = tellFaults(
    Value.Errors(schema, args).map((fault) => inWords(fault, properties)),
    ([name = ""]) => (positionals.includes(name) ? name.toUpperCase() : toFlag(name)),
  );
  throw new StackyardError("USAGE", faults.join(" "));
}

interface PatternFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
}

/** A pattern tells people little, so an argument says in `expected` what it asks for. */
function inWords<Fault extends PatternFault>(fault: Fault, properties: TObject["properties"]): Fault {
  const [, name = ""] = fault.instancePath.split("/");
  const schema = properties[name];
  const expected = fault.keyword === "pattern" && schema ? keywordOf(schema, "expected") : undefined;
  return expected === undefined ? fault : { ...fault, message: `must be ${expected}` };
}

/** An argument as help, parser and reference see it. */
export interface ArgumentFacts {
  readonly name: string;
  readonly positional: boolean;
  readonly required: boolean;
  /** May be repeated, or takes all words that are left. */
  readonly many: boolean;
  /** A flag without a value. */
  readonly isSwitch: boolean;
  readonly isNumber: boolean;
  /** What stands for the value. */
  readonly word: string;
  readonly short?: string;
  readonly choices: readonly string[];
  /** The kind of value that a shell can complete, such as `stack`: the schema's keyword `completes`. */
  readonly completes?: string;
  readonly description: string;
}

/** The arguments of a command: the positional ones in their order, then the flags. */
export function toArgumentFacts({ args, positionals }: Command): readonly ArgumentFacts[] {
  const required: readonly string[] = args.required ?? [];
  const flags = Object.keys(args.properties).filter((name) => !positionals.includes(name));
  return [...positionals, ...flags].map((name) => {
    const schema = args.properties[name] ?? Type.String();
    const type = keywordOf(schema, "type");
    const short = keywordOf(schema, "short");
    const completes = keywordOf(schema, "completes") ?? completesItems(schema);
    const positional = positionals.includes(name);
    const description = keywordOf(schema, "description") ?? "";
    return {
      name,
      positional,
      required: required.includes(name),
      many: type === "array",
      isSwitch: type === "boolean",
      isNumber: type === "integer" || type === "number",
      word: keywordOf(schema, "placeholder") ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      ...(short === undefined ? {} : { short }),
      choices: choicesOf(schema),
      ...(completes === undefined ? {} : { completes }),
      // Help shows by brackets which words are needed, but not which flags.
      description: required.includes(name) && !positional ? `Needed. ${description}` : description,
    };
  });
}

function completesItems(schema: TSchema): string | undefined {
  const items: unknown = "items" in schema ? schema.items : undefined;
  return typeof items === "object" && items !== null ? keywordOf(items, "completes") : undefined;
}

function choicesOf(schema: TSchema): readonly string[] {
  const anyOf: unknown = "anyOf" in schema ? schema.anyOf : undefined;
  if (!Array.isArray(anyOf)) return [];
  return anyOf.flatMap((each: { const?: unknown }) => (typeof each.const === "string" ? [each.const] : []));
}

/** A keyword of ours in a schema, such as `placeholder`; texts only. */
function keywordOf(schema: TSchema, keyword: string): string | undefined {
  const found: unknown = Object.entries(schema).find(([key]) => key === keyword)?.[1];
  return typeof found === "string" ? found : undefined;
}

interface Fault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params?: unknown;
}

/** Faults of a schema in words, each with its place: `server.port must be <= 65535.` */
export function tellFaults(
  faults: readonly Fault[],
  toPlace: (path: readonly string[]) => string = (path) => path.join("."),
): readonly string[] {
  const told = faults.flatMap((fault) =>
    tellFault(fault, faults).map(([path, what]) => {
      const place = toPlace(path);
      return `${place === "" ? "It" : place} ${what}.`;
    }),
  );
  return [...new Set(told)];
}

type Told = readonly [path: readonly string[], what: string];

function tellFault(fault: Fault, all: readonly Fault[]): readonly Told[] {
  const { instancePath, keyword, message } = fault;
  const path = instancePath.split("/").slice(1);
  switch (keyword) {
    case "boolean":
      return [];
    case "required":
      return namesIn(fault, "requiredProperties").map((name) => [[...path, name], "is missing"]);
    case "additionalProperties":
      return namesIn(fault, "additionalProperties").map((name) => [[...path, name], "is no known key"]);
    case "anyOf":
      // What each of the alternatives asks for is told already.
      return all.some((other) => other !== fault && other.instancePath.startsWith(instancePath))
        ? []
        : [[path, message]];
    case "const":
    case "type":
      return [[path, `must be ${toAlternatives(all.filter((other) => other.instancePath === instancePath))}`]];
    case "minLength":
      return [[path, readParam(fault, "limit") === 1 ? "must not be empty" : message]];
    default:
      return message === "" ? [] : [[path, message]];
  }
}

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "a map",
  string: "text",
};

// A union fails once for each of its members, all at the same place.
function toAlternatives(faults: readonly Fault[]): string {
  const words = faults.flatMap((fault) => {
    if (fault.keyword === "const") return [JSON.stringify(readParam(fault, "allowedValue"))];
    const type = readParam(fault, "type");
    return fault.keyword === "type" && typeof type === "string" ? [KINDS[type] ?? type] : [];
  });
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

function namesIn(fault: Fault, name: string): readonly string[] {
  const value = readParam(fault, name);
  return Array.isArray(value) ? value.map(String) : [];
}

function readParam({ params }: Fault, name: string): unknown {
  const entries = typeof params === "object" && params !== null ? Object.entries(params) : [];
  return entries.find(([key]) => key === name)?.[1];
}
