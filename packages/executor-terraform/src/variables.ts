import type { ExecutorContext } from "@stackyard/core";

/** Terraform's identifiers: letters of any script, digits, underscores and hyphens, not beginning with a digit or hyphen. */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** What a module is given, and the names that it cannot be given. */
export interface Variables {
  /** Text by name, in the form that `-var` takes. */
  readonly values: ReadonlyMap<string, string>;
  /** Names that no Terraform variable can have. */
  readonly unusable: readonly string[];
}

export interface VariablesInput {
  readonly stackId: string;
  readonly metadata: ExecutorContext["metadata"];
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The variables of a run: `stack_id`, then metadata, then the task's own; a later one of the same name wins. */
export function toVariables({ stackId, metadata, variables }: VariablesInput): Variables {
  const given = new Map<string, unknown>([
    ["stack_id", stackId],
    ...Object.entries(metadata),
    ...Object.entries(variables),
  ]);
  const usable = [...given].filter(([name]) => IDENTIFIER.test(name));
  return {
    values: new Map(usable.map(([name, value]) => [name, toVariableText(value)])),
    unusable: [...given.keys()].filter((name) => !IDENTIFIER.test(name)),
  };
}

/** A value as text: null is `null`, lists and maps are JSON. */
export function toVariableText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) return toNestedText(value);
  return String(value);
}

/** Terraform reads the text of a list or map as an expression, where `${` and `%{` begin a template: escaped, they stay data. */
function toNestedText(value: object): string {
  return JSON.stringify(value).replaceAll("${", "\\u0024{").replaceAll("%{", "\\u0025{");
}
