import { defined } from "@stackyard/core";
import { checkArgs } from "@stackyard/sdk/commands";
import {
  type Static,
  type TNumberOptions,
  type TObject,
  type TSchema,
  type TSchemaOptions,
  type TStringOptions,
  Type,
} from "typebox";
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

/** One example in the help: a command as typed, and what it does. */
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

/** The exit code of a command; undefined is 0. */
type ExitCode = number | undefined;

/** The definition that the author of a command writes. */
export interface CommandSpec<Args extends TObject> extends Omit<CommandFacts, "positionals" | "examples"> {
  /** Commands as typed, and what each does. */
  readonly examples: Readonly<Record<string, string>>;
  readonly args: Args;
  readonly positionals?: readonly (keyof Static<Args> & string)[];
  /** Throws errors. */
  run(context: CommandContext, args: Static<Args>): Promise<ExitCode> | ExitCode;
}

/** A command of the table: data, and `run`, which checks its arguments. */
export interface Command extends CommandFacts {
  readonly args: TObject;
  run(context: CommandContext, args: Readonly<Record<string, unknown>>): Promise<number>;
}

/** Makes a command of its parts. Arguments that do not fit the schema are `USAGE`. */
export function defineCommand<Args extends TObject>(spec: CommandSpec<Args>): Command {
  // `createCommand` passes only arguments that match the schema.
  return createCommand(toFacts(spec), (context, args) => spec.run(context, args as Static<Args>));
}

/** Returns the facts of a command that `createCommand` takes. */
export function toFacts<Spec extends Pick<CommandSpec<TObject>, "examples">>(spec: Spec) {
  const examples = Object.entries(spec.examples).map(([command, what]) => ({ command, what }));
  return { ...spec, examples };
}

/** Defines a command as `defineCommand` does, for arguments that are composed at run time. */
export function createCommand(
  facts: Omit<CommandFacts, "positionals"> & { readonly args: TObject; readonly positionals?: readonly string[] },
  run: (context: CommandContext, args: Readonly<Record<string, unknown>>) => Promise<ExitCode> | ExitCode,
): Command {
  const { name, summary, description, examples, positionals = [], args: schema } = facts;
  return {
    name,
    summary,
    examples,
    positionals,
    args: schema,
    ...defined({ description }),
    run: async (context, args) => (await run(context, checkArgs(schema, args, positionals))) ?? 0,
  };
}

/** Declares an argument that may be left out, with a text as its value. */
export function optionalText(description: string, options: TStringOptions = {}) {
  return Type.Optional(Type.String({ ...options, description }));
}

/** Declares an argument that may be left out, with a whole number as its value. */
export function optionalInteger(description: string, options: TNumberOptions = {}) {
  return Type.Optional(Type.Integer({ ...options, description }));
}

/** Declares a flag without a value. */
export function optionalFlag(description: string, options: TSchemaOptions = {}) {
  return Type.Optional(Type.Boolean({ ...options, description }));
}

/** The facts about an argument that help, parser and reference use. */
export interface ArgumentFacts {
  readonly name: string;
  readonly positional: boolean;
  readonly required: boolean;
  /** True if it may be repeated, or takes all remaining words. */
  readonly many: boolean;
  /** True for a flag without a value. */
  readonly isSwitch: boolean;
  readonly isNumber: boolean;
  /** The placeholder of the value. */
  readonly word: string;
  readonly short?: string;
  readonly choices: readonly string[];
  /** The kind of value that a shell can complete, such as `stack`: the schema's keyword `completes`. */
  readonly completes?: string;
  readonly description: string;
}

/** Returns the arguments of a command: the positional ones in their order, then the flags. */
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
      ...defined({ short }),
      choices: choicesOf(schema),
      ...defined({ completes }),
      // Help shows by brackets which words are needed, but not which flags.
      description: required.includes(name) && !positional ? `Required. ${description}` : description,
    };
  });
}

/** Formats a positional argument as usage lines show it: `<stack>`, or `[file...]` when it may be left out. */
export function toPlace({ many, required, word }: ArgumentFacts): string {
  const text = many ? `${word}...` : word;
  return required ? `<${text}>` : `[${text}]`;
}

function completesItems(schema: TSchema): string | undefined {
  const items: unknown = "items" in schema ? schema.items : undefined;
  return typeof items === "object" && items !== null ? keywordOf(items, "completes") : undefined;
}

function choicesOf(schema: TSchema): readonly string[] {
  if ("enum" in schema && Array.isArray(schema.enum)) return schema.enum;
  const anyOf: unknown = "anyOf" in schema ? schema.anyOf : undefined;
  if (!Array.isArray(anyOf)) return [];
  return anyOf.flatMap((each: { const?: unknown }) => (typeof each.const === "string" ? [each.const] : []));
}

/** Returns the text of one of our schema keywords, such as `placeholder`; undefined when it is not a string. */
function keywordOf(schema: TSchema, keyword: string): string | undefined {
  const found: unknown = Object.entries(schema).find(([key]) => key === keyword)?.[1];
  return typeof found === "string" ? found : undefined;
}
