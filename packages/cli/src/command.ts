import { type Command, defined, type Logger, listPositionals } from "@stackyard/core";
import { type TSchema, Type } from "typebox";
import type { ArgumentFacts, CommandFacts } from "./command-facts.ts";
import type { Output } from "./output.ts";

/** The input of every command. */
export interface CommandContext {
  readonly out: Output;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /**
   * A command that runs until it is stopped calls it once: from then on neither a closed pipe of its log nor a stray error
   * of a plugin, which is logged, ends the process. Missing in a process of another program.
   */
  readonly stayAlive?: ((logger: Logger) => void) | undefined;
}

/** A command as the command line runs it. */
export type CliCommand = Command<CommandContext>;

/** Returns what help, parser and completion need of a command. */
export function toCommandFacts(command: CliCommand): CommandFacts {
  const { name, summary, description, examples } = command;
  return { name, summary, ...defined({ description, examples }), args: toArgumentFacts(command) };
}

/** Returns the arguments of a command: the positional ones in their order, then the flags. */
export function toArgumentFacts(command: CliCommand): readonly ArgumentFacts[] {
  const { args } = command;
  const positionals = listPositionals(command);
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
