import { type TSchema, Type } from "typebox";
import type { Command } from "../command.ts";
import { keywordOf } from "./keyword-of.ts";

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
