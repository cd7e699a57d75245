import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { SNSClient, Subscription } from "@aws-sdk/client-sns";
import { type AwsAccess, findAwsFault, toAwsError } from "@stackyard/aws";
import type { AwsYardOptions, Clock, MachineListing } from "@stackyard/core";
import { openLocator, openStore } from "../parts.ts";
import { evaluateRunnerSettings, evaluateRunners, evaluateStateManager } from "./check-functions.ts";
import { type CheckedQueues, checkQueues } from "./check-queues.ts";
import { type Finding, fail, look, ok, warn, type YardScene } from "./finding.ts";
import type { QueueFacts } from "./load-queue.ts";
import { type Caller, createYardAws, loadCaller, toYardDeps, toYardParts, type YardContext } from "./open-yard.ts";

/**
 * Checks a deployment with the caller's credentials, without changing it: identity and clock, queues and their readers,
 * tables or database, machines, permissions, and settings of functions. Never throws; each failure is a finding.
 */
export async function checkYard(yard: AwsYardOptions, context: YardContext): Promise<readonly Finding[]> {
  const deps = toYardDeps(context);
  const identity = await look("identity", "Correct the profile, the role, or the environment's credentials.", () =>
    // Within, because a wrong configuration is a finding too.
    Promise.resolve().then(() => checkIdentity(createYardAws(yard, context), deps.clock)),
  );
  // Without credentials every other check reports the same.
  if (identity.some(({ check, status }) => check === "identity" && status === "fail")) return identity;
  const rest = await look("yard", "Complete it in stackyard.config.ts.", async () =>
    checkParts({ yard, parts: toYardParts(yard), aws: createYardAws(yard, context), deps }),
  );
  return [...identity, ...rest];
}

async function checkParts(scene: YardScene): Promise<readonly Finding[]> {
  const [queues, store, machines, logs, permissions] = await Promise.all([
    checkQueues(scene),
    look("store", "Look at its name, the region, and the role's permissions.", () => checkStore(scene)),
    lookAtMachines(scene),
    look("logs", "Look at bucket and prefix, and the role's permissions.", () => checkLogs(scene)),
    look("permissions", "Try again.", () => checkPermissions(scene)),
  ]);
  const topic = await look("topic", "Allow sns:ListSubscriptionsByTopic on it.", () =>
    checkTopic(scene, queues.queues),
  );
  return [
    ...queues.findings,
    ...topic,
    ...store,
    ...machines.findings,
    ...logs,
    ...permissions,
    ...judge(scene, queues, machines),
  ];
}

async function lookAtMachines(scene: YardScene): Promise<CheckedMachines> {
  let used: CheckedMachines["used"] = new Set();
  const findings = await look("machines", "Look at bucket and prefix.", async () => {
    const checked = await checkMachines(scene);
    used = checked.used;
    return checked.findings;
  });
  return { findings, used };
}

function judge({ yard, deps }: YardScene, { functions }: CheckedQueues, { used }: CheckedMachines): readonly Finding[] {
  const managers = functions.filter(({ queue }) => queue === "events");
  const isNamed = managers.some(({ variables }) => (variables?.["SQS_LONG_TASK_QUEUE_URL"] ?? "") !== "");
  const hasLongQueue = managers.length === 0 ? yard.longTaskQueueUrl !== undefined : isNamed;
  return [
    ...evaluateStateManager(yard, functions),
    ...evaluateRunnerSettings(yard, functions),
    ...evaluateRunners({ functions, executors: deps.executors, used, hasLongQueue }),
  ];
}

/** AWS refuses signatures that are more than five minutes off (IAM User Guide, "Elements of a request signature"). */
const REFUSED_MS = 300_000;
/** Times in histories are then visibly wrong; responses have whole seconds, and networks take some. */
const NOTICED_MS = 5_000;

/** Reports the owner of these credentials, and how far our clock is off. Throws errors of credentials and network. */
async function checkIdentity(aws: AwsAccess, clock: Clock): Promise<readonly Finding[]> {
  const caller = await loadCaller(aws, clock);
  return [ok("identity", `${caller.arn} in the account ${caller.account}.`), ...evaluateClock(caller)];
}

/** Returns the findings about our clock. */
export function evaluateClock({ aheadMs }: Pick<Caller, "aheadMs">): readonly Finding[] {
  if (aheadMs === undefined) return [];
  const offMs = Math.abs(aheadMs);
  const message = `This machine's clock is ${Math.round(offMs / 1_000)} s ${aheadMs < 0 ? "behind" : "ahead of"} that of AWS.`;
  const hint = "Let it be set by NTP.";
  if (offMs >= REFUSED_MS) return [fail("clock", `${message} AWS refuses calls from 5 minutes on.`, hint)];
  return [offMs >= NOTICED_MS ? warn("clock", message, hint) : ok("clock", "It agrees with the clock of AWS.")];
}

/** The findings about a yard's machines. */
interface CheckedMachines {
  readonly findings: readonly Finding[];
  /** Names of executors that they use. */
  readonly used: ReadonlySet<string>;
}

/** Reads all machines and checks each. Throws errors of S3 when they cannot be listed. */
async function checkMachines({ parts, aws, deps }: YardScene): Promise<CheckedMachines> {
  const locator = await openLocator(parts.machines, { aws, ...deps });
  const { bucket, prefix } = parts.machines;
  return evaluateMachines(await locator.list(), `s3://${bucket}/${prefix}`);
}

/** Returns a finding for each machine. */
export function evaluateMachines(listings: readonly MachineListing[], place: string): CheckedMachines {
  if (listings.length === 0) {
    const hint = `Upload one: aws s3 cp machines/ ${place} --recursive`;
    return { findings: [warn("machines", `No machine found in ${place}.`, hint)], used: new Set() };
  }
  return { findings: listings.map(evaluateMachine), used: new Set(listings.flatMap(listExecutors)) };
}

function evaluateMachine({ name, origin, located }: MachineListing): Finding {
  if (located.kind === "unknown") return fail("machine", `${name}: ${origin} is gone.`, "Upload it again.");
  const problems = located.problems.map(({ line, column, code, message }) => `${line}:${column} ${code}: ${message}`);
  const [first = "", ...more] = problems;
  const rest = more.length === 0 ? "" : ` And ${more.length} more.`;
  const hint = "`stackyard validate` shows all of it.";
  if (located.kind === "invalid") return fail("machine", `${name} (${origin}) is invalid: ${first}${rest}`, hint);
  if (problems.length > 0) return warn("machine", `${name} (${origin}): ${first}${rest}`, hint);
  return ok("machine", `${name} (${origin}), revision ${located.revision.hash.slice(0, 12)}.`);
}

function listExecutors({ located }: MachineListing): readonly string[] {
  if (located.kind !== "found") return [];
  return [...located.machine.tasks.values()].flatMap(({ executor }) => (executor === undefined ? [] : [executor]));
}

/** Looks at the yard's tables or its database, and changes nothing. Throws `STORE_UNAVAILABLE` and its like. */
export function checkStore(scene: YardScene): Promise<readonly Finding[]> {
  const { store } = scene.parts;
  return store.kind === "dynamodb" ? checkTables(scene, store) : checkDatabase(scene);
}

async function checkTables(
  { aws }: YardScene,
  { table, workTable }: { readonly table: string; readonly workTable: string | undefined },
): Promise<readonly Finding[]> {
  const [store, { DynamoDBClient }] = await Promise.all([
    import("@stackyard/store-dynamodb"),
    import("@aws-sdk/client-dynamodb"),
  ]);
  const names = { stacks: table, work: workTable ?? `${table}-work` };
  const { findings } = await store.checkTables(aws.client(DynamoDBClient, undefined), names);
  if (findings.length === 0)
    return [ok("store", `The tables ${names.stacks} and ${names.work} are as they should be.`)];
  return findings.map(({ severity, message, advice }) =>
    severity === "error" ? fail("store", message, advice) : warn("store", message, advice),
  );
}

async function checkDatabase({ parts, aws, deps }: YardScene): Promise<readonly Finding[]> {
  const { clock, logger } = deps;
  const opening = { aws, clock, logger, maxConnections: 1, asItIs: true };
  const store = await openStore(parts.store, opening);
  try {
    const { stacks, deadLetters } = await store.queries.stats();
    return [ok("store", `The database answers: ${stacks} stacks, ${deadLetters} dead letters.`)];
  } finally {
    await store.close();
  }
}

/** Checks whether whole logs can be read, and whether they expire. Throws errors of S3. */
async function checkLogs({ parts, aws, deps }: YardScene): Promise<readonly Finding[]> {
  if (parts.logs === undefined) return [];
  const { checkS3Logs } = await import("@stackyard/aws/s3");
  const { address, isCleaned } = await checkS3Logs(parts.logs, { aws, clock: deps.clock });
  if (isCleaned !== false) return [ok("logs", `${address} can be read.`)];
  const hint = "Add a lifecycle rule to the bucket that expires objects with this prefix after 7 days.";
  return [warn("logs", `No lifecycle rule removes the logs in ${address}.`, hint)];
}

/** Checks whether messages to the yard's topic reach its queue of events. Throws errors of SNS. */
async function checkTopic({ parts, aws }: YardScene, queues: readonly QueueFacts[]): Promise<readonly Finding[]> {
  const { eventTopicArn } = parts;
  if (eventTopicArn === undefined) return [];
  const { SNSClient } = await import("@aws-sdk/client-sns");
  const subscriptions = await listSubscriptions(aws.client(SNSClient, undefined), eventTopicArn);
  return evaluateTopic(
    eventTopicArn,
    subscriptions,
    queues.find(({ role }) => role === "events"),
  );
}

async function listSubscriptions(sns: SNSClient, TopicArn: string): Promise<readonly Subscription[]> {
  const { paginateListSubscriptionsByTopic } = await import("@aws-sdk/client-sns");
  const found: Subscription[] = [];
  try {
    for await (const page of paginateListSubscriptionsByTopic({ client: sns }, { TopicArn })) {
      found.push(...(page.Subscriptions ?? []));
    }
    return found;
  } catch (error) {
    throw toAwsError(error, `Could not read topic ${TopicArn}.`);
  }
}

/** Returns the findings about a topic in front of a queue. Undefined: the queue is unknown. */
export function evaluateTopic(
  topicArn: string,
  subscriptions: readonly Pick<Subscription, "Protocol" | "Endpoint">[],
  queue: Pick<QueueFacts, "arn" | "name" | "statements"> | undefined,
): readonly Finding[] {
  const name = topicArn.split(":").at(-1) ?? topicArn;
  if (queue === undefined) return [ok("topic", `${name} exists.`)];
  const isSubscribed = subscriptions.some(({ Protocol, Endpoint }) => Protocol === "sqs" && Endpoint === queue.arn);
  if (!isSubscribed) {
    const command = `aws sns subscribe --topic-arn ${topicArn} --protocol sqs --notification-endpoint ${queue.arn}`;
    return [
      fail("topic", `${queue.name} is not subscribed to ${name}: events do not arrive.`, `Subscribe it: ${command}`),
    ];
  }
  const isAllowed = queue.statements.some(
    ({ effect, principals }) =>
      effect === "Allow" && principals.some((principal) => ["*", "sns.amazonaws.com"].includes(principal)),
  );
  if (isAllowed) return [ok("topic", `${name} leads to ${queue.name}.`)];
  const message = `The policy of ${queue.name} does not let ${name} send: events do not arrive.`;
  return [fail("topic", message, "Allow sqs:SendMessage to sns.amazonaws.com where aws:SourceArn is the topic.")];
}

/** Tests with calls that change nothing whether the caller has the permissions that commands need. Never throws. */
async function checkPermissions(scene: YardScene): Promise<readonly Finding[]> {
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

/** How a dry call ended. */
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
  const { code, name = "" } = findAwsFault(error);
  if (code === "FORBIDDEN") return "denied";
  if (code === "RECORD_CONFLICT" || /EmptyBatchRequest/.test(name)) return "allowed";
  // Another check reports missing parts.
  return code === "NOT_FOUND" || /NonExistentQueue|QueueDoesNotExist/.test(name) ? "absent" : "unclear";
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
