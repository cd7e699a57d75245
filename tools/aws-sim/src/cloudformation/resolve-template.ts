import { isDeepStrictEqual } from "node:util";
import type { Place } from "../sim-call.ts";
import { cloudFormationFaults, type ParameterValues, type Template } from "./templates.ts";

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

/** What happens to one resource. */
export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove";
  readonly logicalId: string;
  readonly resource: ResolvedResource;
  /** It gets a new physical resource, because its name changes. */
  readonly isReplaced: boolean;
}

/**
 * Properties that are names. A change of one replaces the resource ("Update requires: Replacement" in the resource
 * reference of each type).
 */
export const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  "AWS::CloudWatch::Alarm": "AlarmName",
  "AWS::DynamoDB::Table": "TableName",
  "AWS::Events::EventBus": "Name",
  "AWS::Events::Rule": "Name",
  "AWS::IAM::Role": "RoleName",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SQS::Queue": "QueueName",
  "AWS::StepFunctions::StateMachine": "StateMachineName",
};

/** Returns the explicit name of a resource; undefined if CloudFormation chooses it. */
export function findCustomName({ type, properties }: ResolvedResource): string | undefined {
  const property = NAME_PROPERTIES[type];
  const name = property === undefined ? undefined : properties[property];
  return typeof name === "string" ? name : undefined;
}

type Resources = ReadonlyMap<string, ResolvedResource>;

/**
 * Returns the changes from one set of resources to another: new and other ones in the order of the template, then those
 * that go.
 */
export function findChanges(before: Resources, after: Resources): readonly ResourceChange[] {
  const changes: ResourceChange[] = [];
  for (const [logicalId, resource] of after) {
    const old = before.get(logicalId);
    if (old === undefined) changes.push({ action: "Add", logicalId, resource, isReplaced: false });
    else if (!isDeepStrictEqual(old, resource)) {
      const isReplaced = old.type !== resource.type || findCustomName(old) !== findCustomName(resource);
      changes.push({ action: "Modify", logicalId, resource, isReplaced });
    }
  }
  for (const [logicalId, resource] of before) {
    if (!after.has(logicalId)) changes.push({ action: "Remove", logicalId, resource, isReplaced: false });
  }
  return changes;
}

/** Where a stack stands: what names of its resources are made of. */
interface StackPlace extends Place {
  readonly stackName: string;
}

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

/**
 * Follows the user guide, "Name type": where a template gives none, it is made of the stack's and the resource's. Names of
 * buckets have no capitals (user guide of S3, "Bucket naming rules").
 */
function toName(logicalId: string, resource: ResolvedResource | undefined, { stackName }: StackPlace): string {
  const chosen = `${stackName}-${logicalId}`;
  const own = resource && findCustomName(resource);
  return own ?? (resource?.type === "AWS::S3::Bucket" ? chosen.toLowerCase() : chosen);
}
