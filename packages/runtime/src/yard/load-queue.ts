import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { toAnswer, toAwsError } from "@stackyard/aws";
import { parseJson } from "@stackyard/core";
import type { YardParts } from "./yard-parts.ts";

/** The role of a queue. */
export type QueueRole = keyof YardParts["queues"];

/** The current settings of a queue. Times in milliseconds. */
export interface QueueFacts {
  readonly role: QueueRole;
  readonly url: string;
  readonly arn: string;
  readonly name: string;
  readonly isFifo: boolean;
  readonly visibilityMs: number;
  readonly retentionMs: number;
  /** Messages that can be received now; roughly. */
  readonly waiting: number;
  readonly redrive: { readonly targetArn: string; readonly maxReceiveCount: number } | undefined;
  /** Statements of its policy. */
  readonly statements: readonly PolicyStatement[];
}

/** The checked fields of a policy statement. */
export interface PolicyStatement {
  readonly effect: string;
  /** `*`, or the values of all kinds of principals. */
  readonly principals: readonly string[];
  readonly actions: readonly string[];
  readonly hasCondition: boolean;
  /** The ARNs of the senders that it names. */
  readonly sources: readonly string[];
}

/** Reads a queue's attributes. Throws `NOT_FOUND`, `FORBIDDEN`, and other errors of SQS. */
export async function loadQueue(sqs: SQSClient, role: QueueRole, url: string): Promise<QueueFacts> {
  try {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    return toQueueFacts(role, url, Attributes);
  } catch (error) {
    if (toAnswer(error) === "gone") {
      throw toAwsError(error, `Queue ${url} does not exist.`, "Deploy the yard's template, or correct the URL.");
    }
    throw toAwsError(error, `Could not read queue ${url}.`, "Allow sqs:GetQueueAttributes on it.");
  }
}

/** Returns the facts in a response of `GetQueueAttributes`. */
export function toQueueFacts(
  role: QueueRole,
  url: string,
  attributes: Readonly<Record<string, string | undefined>>,
): QueueFacts {
  const arn = attributes["QueueArn"] ?? "";
  return {
    role,
    url,
    arn,
    name: arn.split(":").at(-1) ?? "",
    isFifo: url.endsWith(".fifo"),
    visibilityMs: Number(attributes["VisibilityTimeout"] ?? 30) * 1_000,
    retentionMs: Number(attributes["MessageRetentionPeriod"] ?? 345_600) * 1_000,
    waiting: Number(attributes["ApproximateNumberOfMessages"] ?? 0),
    redrive: toRedrive(parseJson(attributes["RedrivePolicy"] ?? "null")),
    statements: toStatements(parseJson(attributes["Policy"] ?? "null")),
  };
}

function toRedrive(policy: unknown): QueueFacts["redrive"] {
  const targetArn = read(policy, "deadLetterTargetArn");
  const count = Number(read(policy, "maxReceiveCount"));
  return typeof targetArn === "string" ? { targetArn, maxReceiveCount: count } : undefined;
}

function toStatements(policy: unknown): readonly PolicyStatement[] {
  const statements = read(policy, "Statement");
  return toList(statements).map((statement) => ({
    effect: String(read(statement, "Effect")),
    principals: toPrincipals(read(statement, "Principal")),
    actions: toList(read(statement, "Action")).map(String),
    hasCondition: read(statement, "Condition") !== undefined,
    sources: toSources(read(statement, "Condition")),
  }));
}

/** Returns the values of `aws:SourceArn` of all operators. Keys of conditions ignore case. */
function toSources(condition: unknown): readonly string[] {
  const operators = Object.values(Object(condition)).flatMap((keys) => Object.entries(Object(keys)));
  return operators.flatMap(([key, value]) => (key.toLowerCase() === "aws:sourcearn" ? toList(value).map(String) : []));
}

function toPrincipals(principal: unknown): readonly string[] {
  if (typeof principal === "string") return [principal];
  if (typeof principal !== "object" || principal === null) return [];
  return Object.values(principal).flatMap((value) => toList(value).map(String));
}

function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
