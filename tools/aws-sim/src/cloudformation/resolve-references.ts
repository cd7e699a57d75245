import { findCustomName, type ResolvedResource } from "./resolve-template.ts";

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
