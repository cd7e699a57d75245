import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { findAwsFault } from "@stackyard/aws";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import type { YardScene } from "./yard-scene.ts";

/** Tests with calls that change nothing whether the caller has the permissions that commands need. Never throws. */
export async function checkPermissions(scene: YardScene): Promise<readonly Finding[]> {
  const calls = [await findSendCall(scene), ...(await findTableCalls(scene))];
  return evaluateDryCalls(await Promise.all(calls.filter((call) => call !== undefined).map(tryDryCall)));
}

/** Returns a call with an empty batch, which both services refuse. */
async function findSendCall({ parts, aws }: YardScene): Promise<DryCall | undefined> {
  const purpose = "sending events";
  const { eventTopicArn, queues } = parts;
  if (eventTopicArn !== undefined) {
    const { PublishBatchCommand, SNSClient } = await import("@aws-sdk/client-sns");
    const command = new PublishBatchCommand({ TopicArn: eventTopicArn, PublishBatchRequestEntries: [] });
    const call = () => aws.client(SNSClient, undefined).send(command);
    return { action: "sns:Publish", resource: eventTopicArn, purpose, call };
  }
  const { events } = queues;
  if (events === undefined) return undefined;
  const { SendMessageBatchCommand, SQSClient } = await import("@aws-sdk/client-sqs");
  const command = new SendMessageBatchCommand({ QueueUrl: events, Entries: [] });
  const call = () => aws.client(SQSClient, undefined).send(command);
  return { action: "sqs:SendMessage", resource: events, purpose, call };
}

async function findTableCalls({ parts, aws }: YardScene): Promise<readonly DryCall[]> {
  // A database server reports missing permissions when it is opened.
  if (parts.store.kind !== "dynamodb") return [];
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { table, workTable = `${table}-work` } = parts.store;
  return listTableCalls(aws.client(DynamoDBClient, undefined), { stacks: table, work: workTable });
}

/** A call that changes nothing, and whose response shows whether it is allowed. */
interface DryCall {
  /** As IAM names it, such as `dynamodb:GetItem`. */
  readonly action: string;
  readonly resource: string;
  /** Its purpose for people. */
  readonly purpose: string;
  readonly call: () => Promise<unknown>;
}

/** The end of a dry call. */
interface DryOutcome {
  readonly dry: Pick<DryCall, "action" | "resource" | "purpose">;
  readonly kind: "allowed" | "denied" | "absent" | "unclear";
  readonly why: string;
}

/** Makes a dry call. Never throws. */
export async function tryDryCall(dry: DryCall): Promise<DryOutcome> {
  try {
    await dry.call();
    return { dry, kind: "allowed", why: "" };
  } catch (error) {
    return { dry, kind: toKind(error), why: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Returns the kind of an outcome. A condition that is never true and an empty batch are rejected after the permission
 * check.
 */
function toKind(error: unknown): DryOutcome["kind"] {
  const { answer, code, name = "" } = findAwsFault(error);
  if (code === "FORBIDDEN") return "denied";
  if (code === "RECORD_CONFLICT" || /EmptyBatchRequest/.test(name)) return "allowed";
  // Another check reports missing parts.
  return answer === "gone" ? "absent" : "unclear";
}

/** Returns findings about the caller's permissions. */
export function evaluateDryCalls(outcomes: readonly DryOutcome[]): readonly Finding[] {
  const allowed = outcomes.filter(({ kind }) => kind === "allowed").map(({ dry }) => dry.action);
  const told = allowed.length === 0 ? [] : [ok("permissions", `Allowed: ${[...new Set(allowed)].sort().join(", ")}.`)];
  return [
    ...told,
    ...outcomes.flatMap(({ dry: { action, resource, purpose }, kind, why }) => {
      if (kind === "denied") {
        const message = `${action} on ${resource} is denied: ${purpose} will not work.`;
        return [fail("permissions", message, "Allow it to the role or user under `identity`.")];
      }
      if (kind !== "unclear") return [];
      return [warn("permissions", `Whether ${action} on ${resource} is allowed is not clear: ${why}`, "Try again.")];
    }),
  ];
}

/** Not a prefix of any stack's id or any key of ours. */
const UNKNOWN = "stackyard-doctor/unknown";
const READING = "`stackyard stacks` and `watch`";
const WRITING = "`stackyard events redrive`";

/** Lists reads of a missing item, and writes under a condition that is never true. */
function listTableCalls(
  client: DynamoDBClient,
  { stacks, work }: { readonly stacks: string; readonly work: string },
): readonly DryCall[] {
  const query = { TableName: work, Limit: 1, ExpressionAttributeValues: { ":unknown": { S: UNKNOWN } } };
  const listed = { ...query, IndexName: "list", KeyConditionExpression: "listKey = :unknown" };
  const never = { TableName: work, ConditionExpression: "attribute_exists(pk)" };
  const read = (action: string, resource: string, call: DryCall["call"]) => ({
    action,
    resource,
    purpose: READING,
    call,
  });
  const write = (action: string, call: DryCall["call"]) => ({ action, resource: work, purpose: WRITING, call });
  return [
    read("dynamodb:GetItem", stacks, () =>
      client.send(new GetItemCommand({ TableName: stacks, Key: { id: { S: UNKNOWN } } })),
    ),
    read("dynamodb:Scan", stacks, () => client.send(new ScanCommand({ TableName: stacks, Limit: 1 }))),
    read("dynamodb:GetItem", work, () => client.send(new GetItemCommand({ TableName: work, Key: toKey() }))),
    read("dynamodb:Query", work, () =>
      client.send(new QueryCommand({ ...query, KeyConditionExpression: "pk = :unknown" })),
    ),
    read("dynamodb:Query", `${work}/index/list`, () => client.send(new QueryCommand(listed))),
    write("dynamodb:PutItem", () => client.send(new PutItemCommand({ ...never, Item: toKey() }))),
    write("dynamodb:UpdateItem", () =>
      client.send(new UpdateItemCommand({ ...never, Key: toKey(), UpdateExpression: "REMOVE nothing" })),
    ),
    write("dynamodb:DeleteItem", () => client.send(new DeleteItemCommand({ ...never, Key: toKey() }))),
  ];
}

function toKey() {
  return { pk: { S: UNKNOWN }, sk: { S: UNKNOWN } };
}
