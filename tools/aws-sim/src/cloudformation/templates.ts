import { cloudFormationFaults } from "./cloudformation-state.ts";
import { findCustomName } from "./find-changes.ts";

/** Whatever stands under a key of a template. */
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
  readonly text: string;
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

/** Reads a template in JSON. Throws `ValidationError` as CloudFormation does for what is none. */
export function parseTemplate(text: string): Template {
  if (Buffer.byteLength(text) > MAX_OBJECT_BYTES) throw refuse("Template may not exceed 1000000 bytes in size.");
  const document = Object(parseJson(text));
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
    text,
    parameters: Parameters,
    conditions: Conditions,
    resources: Resources,
    outputs: Outputs,
    mappings: Mappings,
    description: typeof Description === "string" ? Description : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("Template format error: JSON not well-formed.");
  }
}

function refuse(message: string): Error {
  return cloudFormationFaults.validation(message);
}

/** A resource whose parameters and conditions are put in; references to other resources stay. */
export interface ResolvedResource {
  readonly type: string;
  readonly deletionPolicy: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A template with its values. */
export interface ResolvedTemplate {
  readonly resources: ReadonlyMap<string, ResolvedResource>;
  readonly outputs: ReadonlyMap<string, unknown>;
}

type Scope = { readonly values: ReadonlyMap<string, string>; readonly template: Template };

const NO_VALUE = Symbol("AWS::NoValue");

/**
 * Puts parameters and conditions in (user guide, "Intrinsic function reference": Ref, Fn::Sub, Fn::If, Fn::Join and the
 * condition functions; Fn::FindInMap, Fn::Select, Fn::Split). `pseudo`: values of pseudo parameters such as `AWS::Region`.
 * Other functions stay as they are.
 */
export function resolveTemplate(
  template: Template,
  parameters: ParameterValues,
  pseudo: Readonly<Record<string, string>>,
): ResolvedTemplate {
  const scope: Scope = { template, values: new Map([...Object.entries(pseudo), ...parameters]) };
  const resources = new Map<string, ResolvedResource>();
  for (const [id, { Type: type, Condition, DeletionPolicy = "Delete", Properties }] of Object.entries(
    template.resources,
  )) {
    if (Condition !== undefined && !holds(Condition, scope)) continue;
    resources.set(id, { type, deletionPolicy: DeletionPolicy, properties: Object(resolve(Properties ?? {}, scope)) });
  }
  const outputs = new Map<string, unknown>();
  for (const [name, { Value, Condition }] of Object.entries(template.outputs)) {
    if (Condition === undefined || holds(Condition, scope)) outputs.set(name, resolve(Value, scope));
  }
  return { resources, outputs };
}

function holds(name: string, scope: Scope): boolean {
  if (!Object.hasOwn(scope.template.conditions, name)) {
    throw cloudFormationFaults.validation(
      `Template format error: Unresolved condition dependency ${name} in the Resources block of the template`,
    );
  }
  return resolve(scope.template.conditions[name], scope) === true;
}

function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((each) => resolve(each, scope)).filter((each) => each !== NO_VALUE);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && Object.hasOwn(FUNCTIONS, only[0])) {
    return FUNCTIONS[only[0]]?.(only[1], scope);
  }
  const resolved = entries.map(([key, each]) => [key, resolve(each, scope)] as const);
  return Object.fromEntries(resolved.filter(([, each]) => each !== NO_VALUE));
}

const FUNCTIONS: Readonly<Record<string, (argument: unknown, scope: Scope) => unknown>> = {
  Ref: (name, { values }) => {
    if (name === "AWS::NoValue") return NO_VALUE;
    return values.get(String(name)) ?? { Ref: name };
  },
  "Fn::Sub": (argument, scope) => {
    const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
    const values = new Map([...scope.values, ...Object.entries(Object(resolve(own, scope)))]);
    return String(text).replaceAll(/\$\{([^!}]+)\}/g, (whole, name: string) => toText(values.get(name) ?? whole));
  },
  "Fn::If": (argument, scope) => {
    const [name, yes, no] = toList(argument);
    return resolve(holds(String(name), scope) ? yes : no, scope);
  },
  "Fn::Join": (argument, scope) => {
    const [by, parts] = toList(argument);
    const resolved = resolve(parts, scope);
    return Array.isArray(resolved) ? resolved.map(toText).join(String(by)) : { "Fn::Join": [by, resolved] };
  },
  "Fn::Split": (argument, scope) => {
    const [by, text] = toList(resolve(argument, scope));
    return typeof text === "string" ? text.split(String(by)) : { "Fn::Split": [by, text] };
  },
  "Fn::Select": (argument, scope) => {
    const [at, list] = toList(resolve(argument, scope));
    return Array.isArray(list) ? list[Number(at)] : { "Fn::Select": [at, list] };
  },
  "Fn::FindInMap": (argument, scope) => {
    const [map, top, second] = toList(resolve(argument, scope)).map(String);
    return Object(Object(Object(scope.template.mappings)[map ?? ""])[top ?? ""])[second ?? ""];
  },
  "Fn::Equals": (argument, scope) => {
    const [a, b] = toList(resolve(argument, scope));
    return String(a) === String(b);
  },
  "Fn::Not": (argument, scope) => toList(resolve(argument, scope))[0] !== true,
  "Fn::And": (argument, scope) => toList(resolve(argument, scope)).every((each) => each === true),
  "Fn::Or": (argument, scope) => toList(resolve(argument, scope)).some((each) => each === true),
  Condition: (name, scope) => (typeof name === "string" ? holds(name, scope) : { Condition: resolve(name, scope) }),
};

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function toText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Where a stack stands: what names of its resources are made of. */
interface StackPlace {
  readonly stackName: string;
  readonly region: string;
  readonly account: string;
}

type Resources = ReadonlyMap<string, ResolvedResource>;

/** Parts of ARNs by type (Service authorization reference, "Resource types" of each service). */
const ARNS: Readonly<Record<string, (name: string, place: StackPlace) => string>> = {
  "AWS::DynamoDB::Table": (name, { region, account }) => `arn:aws:dynamodb:${region}:${account}:table/${name}`,
  "AWS::Events::EventBus": (name, { region, account }) => `arn:aws:events:${region}:${account}:event-bus/${name}`,
  "AWS::IAM::Role": (name, { account }) => `arn:aws:iam::${account}:role/${name}`,
  "AWS::Lambda::Function": (name, { region, account }) => `arn:aws:lambda:${region}:${account}:function:${name}`,
  "AWS::SNS::Topic": (name, { region, account }) => `arn:aws:sns:${region}:${account}:${name}`,
  "AWS::SQS::Queue": (name, { region, account }) => `arn:aws:sqs:${region}:${account}:${name}`,
  "AWS::StepFunctions::StateMachine": (name, { region, account }) =>
    `arn:aws:states:${region}:${account}:stateMachine:${name}`,
};

/** Whose references are ARNs. */
const REFERRED_BY_ARN = new Set(["AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"]);

/**
 * Puts in what Ref and Fn::GetAtt of resources give (resource reference of each type, "Return values"): of a queue its URL, of a
 * topic and a state machine its ARN, of others their names, and ARNs of the types that are known here.
 */
export function resolveReferences(value: unknown, resources: Resources, place: StackPlace): unknown {
  if (Array.isArray(value)) return value.map((each) => resolveReferences(each, resources, place));
  if (typeof value !== "object" || value === null) return value;
  const { Ref: ref, "Fn::GetAtt": attribute } = Object(value);
  if (typeof ref === "string") return toReference(ref, resources, place);
  if (Array.isArray(attribute)) return toAttribute(attribute.map(String), resources, place);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, resolveReferences(each, resources, place)]),
  );
}

function toReference(logicalId: string, resources: Resources, place: StackPlace): string {
  const resource = resources.get(logicalId);
  const name = toName(logicalId, resource, place);
  const type = resource?.type ?? "";
  if (REFERRED_BY_ARN.has(type)) return ARNS[type]?.(name, place) ?? name;
  if (type !== "AWS::SQS::Queue") return name;
  return `https://sqs.${place.region}.amazonaws.com/${place.account}/${name}`;
}

function toAttribute([logicalId = "", name = ""]: readonly string[], resources: Resources, place: StackPlace): string {
  const resource = resources.get(logicalId);
  const toArn = name === "Arn" ? ARNS[resource?.type ?? ""] : undefined;
  return toArn?.(toName(logicalId, resource, place), place) ?? `${logicalId}.${name}`;
}

/** User guide, "Name type": where a template gives none, it is made of the stack's and the resource's. */
function toName(logicalId: string, resource: ResolvedResource | undefined, { stackName }: StackPlace): string {
  return (resource && findCustomName(resource)) ?? `${stackName}-${logicalId}`;
}

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
