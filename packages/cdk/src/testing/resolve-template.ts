import { fail, TEMPLATE_FUNCTIONS, toList } from "./template-functions.ts";

/** A template as its JSON is. */
export interface TemplateBody {
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
}

/** A resource of a template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** A template with parameters, as CloudFormation would deploy it. */
export interface ResolvedTemplate {
  /** Those with true conditions. */
  readonly resources: Readonly<Record<string, { readonly type: string; readonly properties: Json }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

/** The account and region in which templates are deployed. */
export const ACCOUNT = "111122223333";
export const REGION = "eu-west-1";

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Region": REGION,
  "AWS::AccountId": ACCOUNT,
  "AWS::Partition": "aws",
  "AWS::URLSuffix": "amazonaws.com",
};
const NOTHING = Symbol("AWS::NoValue");

/**
 * Resolves a template with such parameters: conditions, references and functions. Throws for a missing parameter and a
 * reference to a missing resource, as CloudFormation does. The parameters may include `AWS::Region` and the like.
 */
export function resolveTemplate(
  template: TemplateBody,
  given: Readonly<Record<string, string>>,
  queueUrlBase = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}`,
): ResolvedTemplate {
  const resolver = createResolver(template, given, queueUrlBase);
  const resources = Object.entries(template.Resources)
    .filter(([, { Condition }]) => Condition === undefined || resolver.holds(Condition))
    .map(
      ([id, { Type, Properties }]) => [id, { type: Type, properties: toJson(resolver.resolve(Properties)) }] as const,
    );
  const outputs = Object.entries(template.Outputs ?? {})
    .filter(([, { Condition }]) => Condition === undefined || resolver.holds(Condition))
    .map(([name, { Value }]) => [name, resolver.resolve(Value)] as const);
  return { resources: Object.fromEntries(resources), outputs: Object.fromEntries(outputs) };
}

/** Returns an object, whatever its content. */
export function toJson(value: unknown): Json {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function createResolver(template: TemplateBody, given: Readonly<Record<string, string>>, queueUrlBase: string) {
  const context = { resolve, holds, mappings: template.Mappings ?? {} };

  function holds(name: string): boolean {
    const condition = template.Conditions?.[name] ?? fail(`Condition ${name} not found.`);
    return resolve(condition) === true;
  }

  function toReference(name: string): unknown {
    if (name === "AWS::NoValue") return NOTHING;
    const parameter = template.Parameters?.[name];
    if (parameter === undefined) return given[name] ?? PSEUDO[name] ?? toReturned(toMade(name), queueUrlBase);
    const value = given[name] ?? parameter.Default ?? fail(`The parameter ${name} is missing.`);
    return parameter.Type === "CommaDelimitedList" ? String(value).split(",") : String(value);
  }

  function toMade(id: string): MadeResource {
    const { Type, Condition, Properties } = template.Resources[id] ?? fail(`Resource ${id} not found.`);
    if (Condition !== undefined && !holds(Condition)) fail(`${id} is not deployed.`);
    const { QueueName, TableName, FunctionName, LogGroupName, StateMachineName, BucketName, RoleName } = Properties;
    const named = QueueName ?? TableName ?? FunctionName ?? LogGroupName ?? StateMachineName;
    const said = named ?? BucketName ?? RoleName ?? (Type === "AWS::Events::EventBus" ? Properties["Name"] : undefined);
    // CloudFormation makes names of buckets in lower case.
    const made = Type === "AWS::S3::Bucket" ? id.toLowerCase() : id;
    return { id, type: Type, name: String(resolve(said ?? made)) };
  }

  function call(name: string, argument: unknown): { readonly value: unknown } | undefined {
    if (name === "Ref") return { value: toReference(String(argument)) };
    if (name === "Fn::GetAtt") {
      const [id = "", attribute = ""] = toList(argument).map(String);
      return { value: toAttribute(toMade(id), attribute) };
    }
    const run = TEMPLATE_FUNCTIONS[name];
    return run === undefined ? undefined : { value: run(argument, context) };
  }

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NOTHING);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const [[name = "", argument] = []] = entries;
    const called = entries.length === 1 ? call(name, argument) : undefined;
    if (called !== undefined) return called.value;
    const resolved = entries.map(([key, part]) => [key, resolve(part)] as const);
    return Object.fromEntries(resolved.filter(([, part]) => part !== NOTHING));
  }

  return context;
}

interface MadeResource {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}

function toReturned({ type, name }: MadeResource, queueUrlBase: string): string {
  if (type === "AWS::SQS::Queue") return `${queueUrlBase}/${name}`;
  if (type === "AWS::SSM::MaintenanceWindow") return "mw-0123456789abcdef0";
  const toArn = RETURN_ARNS.has(type) ? ARNS[type] : undefined;
  return toArn === undefined ? name : `arn:aws:${toArn(name)}`;
}

/** A reference to one of these is its ARN. */
const RETURN_ARNS = new Set(["AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret", "AWS::SNS::Topic"]);

/** The parts before and after the name in an ARN. */
const ARNS: Readonly<Record<string, (name: string) => string>> = {
  "AWS::IAM::Role": (name) => `iam::${ACCOUNT}:role/${name}`,
  "AWS::Events::EventBus": (name) => `events:${REGION}:${ACCOUNT}:event-bus/${name}`,
  "AWS::SNS::Topic": (name) => `sns:${REGION}:${ACCOUNT}:${name}`,
  "AWS::Events::Rule": (name) => `events:${REGION}:${ACCOUNT}:rule/${name}`,
  "AWS::S3::Bucket": (name) => `s3:::${name}`,
  "AWS::SQS::Queue": (name) => `sqs:${REGION}:${ACCOUNT}:${name}`,
  "AWS::DynamoDB::Table": (name) => `dynamodb:${REGION}:${ACCOUNT}:table/${name}`,
  "AWS::Logs::LogGroup": (name) => `logs:${REGION}:${ACCOUNT}:log-group:${name}:*`,
  "AWS::StepFunctions::StateMachine": (name) => `states:${REGION}:${ACCOUNT}:stateMachine:${name}`,
  "AWS::SecretsManager::Secret": (name) => `secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-AbCdEf`,
  "AWS::IAM::InstanceProfile": (name) => `iam::${ACCOUNT}:instance-profile/${name}`,
  "AWS::Lambda::Function": (name) => `lambda:${REGION}:${ACCOUNT}:function:${name}`,
};

function toAttribute({ id, type, name }: MadeResource, attribute: string): string {
  if (attribute === "QueueName" || attribute === "TopicName") return name;
  const toArn = attribute === "Arn" ? ARNS[type] : undefined;
  return toArn === undefined ? `${id}.${attribute}` : `arn:aws:${toArn(name)}`;
}
