import type { TemplateParameters } from "./parse-template-parameters.ts";

/** A parameter as CreateChangeSet takes it. */
export interface StackParameter {
  readonly ParameterKey: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: boolean;
}

/** What the values of a template's parameters can come from. */
export interface ParameterSources {
  readonly template: TemplateParameters;
  /** By the person who deploys. */
  readonly given: ReadonlyMap<string, string>;
  /** By what is deployed: bucket, keys, yard. */
  readonly filled: ReadonlyMap<string, string>;
  /** Names that the stack has values for; empty for a new stack. */
  readonly previous: ReadonlySet<string>;
  /** By other stacks of the yard, whose outputs have the names of parameters. */
  readonly offered: ReadonlyMap<string, string>;
}

/** All values, or all that is wrong. */
export type ParameterPlan =
  | { readonly kind: "planned"; readonly parameters: readonly StackParameter[] }
  | { readonly kind: "refused"; readonly faults: readonly string[] };

/**
 * Gives each parameter of the template its value: the given one, else the filled one, else the stack's previous one, else what
 * another stack of the yard offers, else the template's default. A given name that the template lacks, and a parameter without any value, are faults.
 */
export function planParameters(sources: ParameterSources): ParameterPlan {
  const { template, given } = sources;
  const unknown = [...given.keys()].filter((name) => !Object.hasOwn(template, name));
  const known = Object.keys(template).join(", ") || "none";
  const faults = unknown.map((name) => `The template has no parameter ${name}; it has ${known}.`);
  const parameters: StackParameter[] = [];
  for (const [name, { Default, Description }] of Object.entries(template)) {
    const found = findValue(name, sources);
    if (found !== undefined) parameters.push(found);
    else if (Default === undefined) faults.push(`${name} has no value${Description ? ` (${Description})` : ""}.`);
  }
  return faults.length > 0 ? { kind: "refused", faults } : { kind: "planned", parameters };
}

function findValue(name: string, sources: ParameterSources): StackParameter | undefined {
  const { given, filled, previous, offered } = sources;
  const now = given.get(name) ?? filled.get(name);
  if (now !== undefined) return { ParameterKey: name, ParameterValue: now };
  if (previous.has(name)) return { ParameterKey: name, UsePreviousValue: true };
  const other = offered.get(name);
  return other === undefined ? undefined : { ParameterKey: name, ParameterValue: other };
}

/** Reads `Name=value` as it was typed; the value may hold further `=` and may be empty. */
export function parseGiven(words: readonly string[]): ReadonlyMap<string, string> | { readonly refusal: string } {
  const values = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, Math.max(at, 0));
    if (!/^[A-Za-z0-9]{1,255}$/.test(name)) return { refusal: `--parameter takes Name=value, not "${word}".` };
    if (values.has(name)) return { refusal: `--parameter ${name} is given twice.` };
    values.set(name, word.slice(at + 1));
  }
  return values;
}
