import { parseJsonOr } from "@stackyard/core";
import { queryFaults } from "../service-faults.ts";
import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** The value of a key of a template. */
type TemplateValue = unknown;

/** A parameter as a template declares it. */
interface ParameterDeclaration {
  readonly Type: string;
  readonly Default?: unknown;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly unknown[];
  readonly ConstraintDescription?: string;
  readonly NoEcho?: boolean;
}

/** A resource as a template declares it. */
interface ResourceDeclaration {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly Properties?: Readonly<Record<string, TemplateValue>>;
}

/** What is read of a template. */
export interface Template {
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly conditions: Readonly<Record<string, TemplateValue>>;
  readonly mappings: Readonly<Record<string, TemplateValue>>;
  readonly resources: Readonly<Record<string, ResourceDeclaration>>;
  readonly outputs: Readonly<Record<string, { readonly Value: TemplateValue; readonly Condition?: string }>>;
}

/** "CloudFormation quotas": resources, parameters and outputs of a template, and its size in an object of S3. */
const MAX_RESOURCES = 500;
const MAX_PARAMETERS = 200;
const MAX_OUTPUTS = 200;
const MAX_OBJECT_BYTES = 1_048_576;

/** Parses a JSON template. Throws `ValidationError` as CloudFormation does if it is invalid. */
export function parseTemplate(text: string): Template {
  if (Buffer.byteLength(text) > MAX_OBJECT_BYTES) throw refuse("Template may not exceed 1000000 bytes in size.");
  const document = Object(parseJsonOr(text, () => refuse("Template format error: JSON not well-formed.")));
  const { Resources = {}, Parameters = {}, Conditions = {}, Mappings = {}, Outputs = {}, Description } = document;
  const count = (section: object): number => Object.keys(section).length;
  if (count(Resources) === 0) {
    throw refuse("Template format error: At least one Resources member must be defined.");
  }
  const sections: readonly [string, number, number][] = [
    ["resources", count(Resources), MAX_RESOURCES],
    ["parameters", count(Parameters), MAX_PARAMETERS],
    ["outputs", count(Outputs), MAX_OUTPUTS],
  ];
  for (const [name, found, most] of sections) {
    const why = `Template format error: Number of ${name}, ${found}, is greater than maximum allowed, ${most}`;
    if (found > most) throw refuse(why);
  }
  return {
    parameters: Parameters,
    conditions: Conditions,
    resources: Resources,
    outputs: Outputs,
    mappings: Mappings,
    description: typeof Description === "string" ? Description : undefined,
  };
}

function refuse(message: string): Error {
  return cloudFormationFaults.validation(message);
}

/** Values by name. */
export type ParameterValues = ReadonlyMap<string, string>;

interface GivenParameter {
  readonly ParameterKey?: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: boolean;
}

/**
 * Returns the values of a template's parameters: those passed, the previous ones on request, else the defaults. Throws
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

/**
 * Errors with their statuses. Source: CloudFormation API reference, "Common errors" and the errors of each action; most
 * errors are one `ValidationError`, distinguished only by their text.
 */
export const cloudFormationFaults = {
  ...queryFaults,
  validation: queryFaults.invalid,
  stackMissing: (name: string) => new SimFault("ValidationError", 400, `Stack with id ${name} does not exist`),
  changeSetMissing: (name: string) =>
    new SimFault("ChangeSetNotFoundException", 404, `ChangeSet [${name}] does not exist`),
  changeSetStatus: (id: string, status: string) =>
    new SimFault(
      "InvalidChangeSetStatusException",
      400,
      `ChangeSet [${id}] cannot be executed in its current status of [${status}]`,
    ),
  changeSetExists: (name: string) =>
    new SimFault(
      "AlreadyExistsException",
      400,
      `ChangeSet ${name} cannot be created, a change set with that name exists`,
    ),
  capabilities: (needed: string) =>
    new SimFault("InsufficientCapabilitiesException", 400, `Requires capabilities : [${needed}]`),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;
