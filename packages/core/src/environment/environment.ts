import { IsOptional, type Static, type TObject, type TProperties, type TSchema } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The texts of the variables that are set. */
export type GivenVariables<Properties extends TProperties> = {
  readonly [Name in keyof Properties]?: string | undefined;
};

/** How an app reads its environment. */
export interface ParseEnvironmentOptions<Properties extends TProperties> {
  /** The name of the app in messages, such as `state manager`. */
  readonly app: string;
  /** Returns what is wrong with the variables together, as sentences. Default: nothing. */
  readonly check?: (given: GivenVariables<Properties>) => readonly string[];
}

/**
 * Reads the variables of an app by their schema: a text, number or boolean each, an enum, or an array, whose items are
 * separated by commas. An empty variable counts as not set, and then has its default. The keyword `must` of a variable
 * completes the message `NAME must …`.
 *
 * @throws StackyardError `CONFIG_INVALID` that lists all problems; it shows no values, because some are secret.
 */
export function parseEnvironment<Properties extends TProperties>(
  schema: TObject<Properties>,
  environment: EnvironmentVariables,
  { app, check = () => [] }: ParseEnvironmentOptions<Properties>,
): Static<TObject<Properties>> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== undefined && text !== ""));
  const values = new Map<string, unknown>();
  const faults = Object.entries(schema.properties).flatMap(([name, variable]) => {
    const text = given[name];
    const value = text === undefined ? keywordsOf(variable).default : toValue(variable, text);
    if (text === undefined && value === undefined) {
      return IsOptional(variable) ? [] : [`${name} is not set: it must ${formatForm(variable)}.`];
    }
    values.set(name, value);
    return Check(variable, value) ? [] : [`${name} must ${formatForm(variable)}.`];
  });
  // The keys of the schema are the names of the variables.
  faults.push(...check(given as GivenVariables<Properties>));
  // Each value has been checked.
  if (faults.length === 0) return Object.fromEntries(values) as Static<TObject<Properties>>;
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
  if (type === "array") return text.split(",").map((item) => item.trim());
  return text;
}

function formatForm(variable: TSchema): string {
  const { must, type, enum: choices, minimum, maximum, maxLength } = keywordsOf(variable);
  if (must !== undefined) return must;
  if (type === "boolean") return "be true or false";
  if (type === "integer") return `be ${minimum} to ${maximum}`;
  if (choices !== undefined) return `be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return `be a text of at most ${maxLength} characters`;
}

/** The keywords of a variable's schema that are read here. */
interface VariableKeywords {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly must?: string;
  readonly description?: string;
  readonly default?: unknown;
}

function keywordsOf(variable: TSchema): VariableKeywords {
  return variable;
}

/** The variables as a Markdown table for a README: name, and description with the default. */
export function formatVariableTable(schema: TObject): string {
  const rows = Object.entries(schema.properties).map(([name, variable]) => {
    const { description, default: value } = keywordsOf(variable);
    const hasDefault = value !== undefined && value !== "" && !Array.isArray(value);
    return `| \`${name}\` | ${description}${hasDefault ? `. Default: \`${value}\`` : ""} |`;
  });
  return ["| variable | meaning |", "|---|---|", ...rows].join("\n");
}
