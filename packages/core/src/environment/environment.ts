import { IsObject, IsOptional, type Static, type TObject, type TProperties, type TSchema } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The texts of the variables that are set. */
export type GivenVariables<Properties extends TProperties> = {
  readonly [Name in keyof Properties]?: string | undefined;
};

/** Options of an app that reads its environment. */
export interface ParseEnvironmentOptions<Properties extends TProperties> {
  /** The name of the app in messages, such as `state manager`. */
  readonly app: string;
  /** Returns the faults of the variables together, as sentences. Default: no faults. */
  readonly check?: (given: GivenVariables<Properties>) => readonly string[];
}

/** The values of variables, and a sentence for each one that is invalid or missing. */
export interface ReadVariables<Properties extends TProperties> {
  /** Invalid variables have their default, or are missing. */
  readonly values: Static<TObject<Properties>>;
  readonly faults: readonly string[];
}

/**
 * Reads the variables of an app by their schema: a text, number or boolean each, an enum, or an array, whose items are
 * separated by commas. An empty variable counts as not set, and then has its default. The keyword `expected` of a variable
 * completes the message `NAME must be …`. For settings without which an app can still work; others are for
 * `parseEnvironment`.
 */
export function readEnvironment<Properties extends TProperties>(
  schema: TObject<Properties>,
  environment: EnvironmentVariables,
): ReadVariables<Properties> {
  const read = Object.entries(schema.properties).map(
    ([name, variable]) => [name, readVariable(variable, environment[name])] as const,
  );
  const values = read.flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const]));
  return {
    // Each value has been checked.
    values: Object.fromEntries(values) as Static<TObject<Properties>>,
    faults: read.flatMap(([name, { fault }]) => (fault === undefined ? [] : [`${name} ${fault}.`])),
  };
}

function readVariable(
  variable: TSchema,
  text: string | undefined,
): { readonly value?: unknown; readonly fault?: string } {
  const { default: preset } = keywordsOf(variable);
  const value = text ? toValue(variable, text) : preset;
  if (value === undefined) return IsOptional(variable) ? {} : { fault: `is not set: it must ${formatForm(variable)}` };
  return Check(variable, value) ? { value } : { value: preset, fault: `must ${formatForm(variable)}` };
}

/**
 * Reads the variables of an app as `readEnvironment` does.
 *
 * @throws StackyardError `CONFIG_INVALID` that lists all problems; it shows no values, because some are secret.
 */
export function parseEnvironment<Properties extends TProperties>(
  schema: TObject<Properties>,
  environment: EnvironmentVariables,
  { app, check = () => [] }: ParseEnvironmentOptions<Properties>,
): Static<TObject<Properties>> {
  const { values, faults: own } = readEnvironment(schema, environment);
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== undefined && text !== ""));
  // The keys of the schema are the names of the variables.
  const faults = [...own, ...check(given as GivenVariables<Properties>)];
  if (faults.length === 0) return values;
  const count = faults.length === 1 ? "an error" : `${faults.length} errors`;
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  throw new StackyardError("CONFIG_INVALID", `The environment of the ${app} has ${count}:${list}`, {
    details: { faults },
  });
}

function toValue(variable: TSchema, text: string): unknown {
  const { type } = keywordsOf(variable);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (type === "integer") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === "number") return Number.isNaN(Number(text)) ? text : Number(text);
  if (type === "array") return text.split(",").map((item) => item.trim());
  return text;
}

/** Formats what a variable or key must be: it completes the message `NAME must …`. */
export function formatForm(variable: TSchema): string {
  const { expected, type, enum: choices, minimum, maximum, maxLength } = keywordsOf(variable);
  if (expected !== undefined) return `be ${expected}`;
  if (type === "boolean") return "be true or false";
  if (type === "integer") return `be ${minimum} to ${maximum}`;
  if (type === "number") return `be a number from ${minimum} to ${maximum}`;
  if (choices !== undefined) return `be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return `be a text of at most ${maxLength} characters`;
}

/** The keywords of a variable's schema. */
export interface VariableKeywords {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly expected?: string;
  readonly description?: string;
  readonly default?: unknown;
}

function keywordsOf(variable: TSchema): VariableKeywords {
  return variable;
}

/**
 * Formats variables or keys as a Markdown table: name, and description with the default. A map without a description of
 * its own is a row for each of its keys.
 */
export function formatVariableTable(schema: TObject, heading = "variable"): string {
  const rows = listDescribed(schema).map(([name, { description, default: value }]) => {
    const hasDefault = value !== undefined && value !== "" && !Array.isArray(value);
    return `| \`${name}\` | ${description}${hasDefault ? `. Default: \`${value}\`` : ""} |`;
  });
  return [`| ${heading} | meaning |`, "|---|---|", ...rows].join("\n");
}

function listDescribed(schema: TObject, place = ""): readonly (readonly [name: string, VariableKeywords])[] {
  return Object.entries(schema.properties).flatMap(([name, variable]) => {
    const keywords = keywordsOf(variable);
    const isRow = keywords.description !== undefined || !IsObject(variable);
    return isRow ? [[`${place}${name}`, keywords] as const] : listDescribed(variable, `${place}${name}.`);
  });
}
