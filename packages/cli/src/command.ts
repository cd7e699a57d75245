import { StackyardError } from "@stackyard/core";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";
import { keywordOf } from "./shell/keyword-of.ts";
import type { Output } from "./shell/output.ts";
import { tellFaults } from "./shell/tell-faults.ts";

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
export interface CommandExample {
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
