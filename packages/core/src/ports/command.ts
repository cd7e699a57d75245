import {
  type Static,
  type TNumberOptions,
  type TObject,
  type TSchemaOptions,
  type TStringOptions,
  Type,
} from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { formatFaults, listSchemaFaults } from "../machine/document/schema-faults.ts";
import { isMap } from "../machine/json.ts";

/**
 * A command of the command line, built in or of a plugin: data, and `run`. The arguments that `run` gets match `args`,
 * because the command line checks them first, with `checkArgs`.
 */
export interface Command<Context, Args extends TObject = TObject> {
  /** One to three words. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, for `--help` and the reference. */
  readonly description?: string;
  /** Commands as typed, and what each does. */
  readonly examples?: Readonly<Record<string, string>>;
  readonly args: Args;
  /** Names of arguments without a flag, in order; an array takes all that are left. Default: the required strings. */
  readonly positionals?: readonly (keyof Static<Args> & string)[];
  /** Returns the exit code; undefined is 0. Throws errors. */
  run(context: Context, args: Static<Args>): Promise<ExitCode> | ExitCode;
}

/** The exit code of a command; undefined is 0. */
export type ExitCode = number | undefined;

/** Defines a command: checks the types of `run` against `args`, and returns the command unchanged. */
export function defineCommand<Args extends TObject, Context>(command: Command<Context, Args>): Command<Context> {
  return command;
}

/** Declares an argument that may be left out, with a text as its value. */
export function optionalText(description: string, options: TStringOptions = {}) {
  return Type.Optional(Type.String({ ...options, description }));
}

/** Declares an argument that may be left out or repeated, with texts as its values. */
export function optionalTexts(description: string, placeholder: string) {
  return Type.Optional(Type.Array(Type.String({ minLength: 1 }), { placeholder, description }));
}

/** Declares an argument that may be left out, with a whole number as its value. */
export function optionalInteger(description: string, options: TNumberOptions = {}) {
  return Type.Optional(Type.Integer({ ...options, description }));
}

/** Declares a flag without a value. */
export function optionalFlag(description: string, options: TSchemaOptions = {}) {
  return Type.Optional(Type.Boolean({ ...options, description }));
}

/** Returns the command for another context, of which `open` makes its own. */
export function withContext<Given, Own>(command: Command<Own>, open: (context: Given) => Own): Command<Given> {
  return { ...command, run: (context, args) => command.run(open(context), args) };
}

/** Returns the names of the arguments without a flag. */
export function listPositionals({
  args,
  positionals,
}: Pick<Command<never>, "args" | "positionals">): readonly string[] {
  return positionals ?? (args.required ?? []).filter((name) => isString(args.properties[name]));
}

/**
 * Returns the arguments when they match the command's schema. Throws `USAGE` with every fault, each under the flag of
 * its argument, or under its name in capitals for positional ones. The keyword `expected` of an argument describes its
 * pattern.
 */
export function checkArgs(
  command: Pick<Command<never>, "args" | "positionals">,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const faults = listSchemaFaults({ ...command.args, additionalProperties: false }, given);
  if (faults.length === 0) return given;
  const positionals = listPositionals(command);
  const toPlace = ([name = ""]: readonly string[]) => (positionals.includes(name) ? name.toUpperCase() : toFlag(name));
  throw new StackyardError("USAGE", formatFaults(faults, toPlace).join(" "));
}

/** Returns the flag of an argument: `--state-dir` for `stateDir`. */
export function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

// A plugin in plain JavaScript may have `true` as the schema of an argument.
function isString(schema: unknown): boolean {
  return isMap(schema) && schema["type"] === "string";
}
