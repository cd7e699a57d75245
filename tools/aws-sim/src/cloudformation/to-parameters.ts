import { cloudFormationFaults } from "./cloudformation-faults.ts";
import type { ParameterDeclaration, Template } from "./parse-template.ts";

/** Values by name. */
export type ParameterValues = ReadonlyMap<string, string>;

interface GivenParameter {
  readonly ParameterKey?: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: boolean;
}

/**
 * The values of a template's parameters: those given, the previous ones where that is asked for, else the defaults. Throws
 * `ValidationError` (user guide, "Parameters": types, allowed patterns and values; API reference, "Parameter").
 */
export function toParameters(
  template: Template,
  given: unknown,
  previous: ParameterValues | undefined,
): ParameterValues {
  const list: readonly GivenParameter[] = Array.isArray(given) ? given : [];
  const declared = template.parameters;
  const unknown = list.flatMap(({ ParameterKey: key = "" }) => (Object.hasOwn(declared, key) ? [] : [key]));
  if (unknown.length > 0) throw refuse(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const values = new Map(list.map((each) => [each.ParameterKey ?? "", toValue(each, previous)]));
  for (const [key, { Default }] of Object.entries(declared)) {
    if (!values.has(key) && Default !== undefined) values.set(key, String(Default));
  }
  const missing = Object.keys(declared).filter((key) => !values.has(key));
  if (missing.length > 0) throw refuse(`Parameters: [${missing.join(", ")}] must have values`);
  for (const [key, value] of values) checkValue(key, value, declared[key]);
  return values;
}

function toValue(given: GivenParameter, previous: ParameterValues | undefined): string {
  const { ParameterKey: key = "", ParameterValue: value = "", UsePreviousValue: isPrevious } = given;
  if (!isPrevious) return value;
  const kept = previous?.get(key);
  if (kept !== undefined) return kept;
  const why = "Cannot specify usePreviousValue as true for a parameter key not in the previous template";
  throw refuse(`Invalid input for parameter key ${key}. ${why}`);
}

function checkValue(key: string, value: string, declaration: ParameterDeclaration | undefined): void {
  const { AllowedPattern: pattern, AllowedValues: allowed, ConstraintDescription: words } = declaration ?? {};
  const failed = (what: string) => refuse(`Parameter ${key} failed to satisfy constraint: ${words ?? what}`);
  // "When applied to a parameter of type CommaDelimitedList, the pattern must match each value in the list."
  const parts = declaration?.Type === "CommaDelimitedList" ? value.split(",") : [value];
  if (pattern !== undefined && !parts.every((part) => new RegExp(`^(?:${pattern})$`).test(part))) {
    throw failed(`must match pattern ${pattern}`);
  }
  if (allowed !== undefined && !allowed.map(String).includes(value)) {
    throw refuse(`Parameter '${key}' must be one of AllowedValues`);
  }
  if (declaration?.Type === "Number" && !Number.isFinite(Number(value))) {
    throw refuse(`Parameter '${key}' must be a number.`);
  }
}

function refuse(message: string): Error {
  return cloudFormationFaults.validation(message);
}
