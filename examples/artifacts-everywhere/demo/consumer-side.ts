import { SFNClient } from "@aws-sdk/client-sfn";
import { SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { createS3Records } from "@stackyard/aws/s3";
import { type AwsSim, createResourceLife, type ResourceRequest } from "@stackyard/aws-sim";
import {
  createConsumer,
  createConsumerResources,
  createCopier,
  createCopyMemory,
  createSourceFetch,
  type SqsEvent,
} from "@stackyard/consumer/function";
import type { Clock } from "@stackyard/core";
import { createLambdaHost } from "@stackyard/lambda-host";
import type { Clients } from "./clients.ts";
import { type DistributorSide, EXTERNAL_ID } from "./distributor-side.ts";
import { bucketOf, type ConsumerPlan, DISTRIBUTOR, type Place, SOURCE_BUCKET } from "./places.ts";
import type { Wire } from "./wire.ts";

/** A consumer's installed stack. */
export interface ConsumerSide {
  readonly plan: ConsumerPlan;
  readonly bucket: string;
  /** The id of the access key that it reads with. */
  readonly accessKeyId: string;
  /** Bodies of its dead letters. */
  takeParked(): Promise<readonly string[]>;
  /** Whether its function fails at once on every call; its queue keeps the messages. */
  isDown: boolean;
  /** Calls of its function that failed. */
  readonly failed: number;
  /** Stops calling its function. */
  stop(): void;
  /** Resolves when all its work is done. */
  idle(): Promise<void>;
  /** Lines that its function has written. */
  readonly lines: readonly string[];
}

/** The input for a consumer's stack. */
export interface ConsumerSideInput {
  readonly sim: AwsSim;
  readonly clock: Clock;
  readonly wire: Pick<Wire, "url" | "countMessages">;
  readonly clients: Clients;
  readonly distributor: Pick<DistributorSide, "topicArn" | "receiptBus" | "machineArn" | "triggerRoleArn">;
}

/** Six times the function's timeout. */
const VISIBILITY_SECONDS = 1_800;
const TIMEOUT_MS = 300_000;

/** Creates queue, subscription, bucket and function as the template does, and requests the initial set. */
export async function installConsumer(plan: ConsumerPlan, input: ConsumerSideInput): Promise<ConsumerSide> {
  const { clients, clock, wire } = input;
  const queueUrl = await subscribeQueue(plan, input);
  const parkingQueueUrl = await createQueue(clients.sqs, `parking-${plan.account}`);
  const lines: string[] = [];
  const host = createLambdaHost({ sqs: clients.sqs, clock, countMessages: wire.countMessages });
  const onMessages = createCopyFunction(plan, input, { parkingQueueUrl, lines });
  const side: ConsumerSide = {
    plan,
    lines,
    bucket: bucketOf(plan),
    accessKeyId: clients.credentials.accessKeyId,
    isDown: false,
    idle: () => host.idle(),
    stop: () => host.stop(),
    get failed() {
      return host.invocations.filter(({ outcome }) => outcome.kind === "errored").length;
    },
    async takeParked() {
      const asked = { QueueUrl: parkingQueueUrl, MaxNumberOfMessages: 10 };
      const { Messages = [] } = await clients.sqs.send(new ReceiveMessageCommand(asked));
      return Messages.map(({ Body = "" }) => Body);
    },
  };
  const handler: typeof onMessages = async (event, context) => {
    if (side.isDown) throw new Error("The function is down.");
    return onMessages(event, context);
  };
  host.addFunction({ name: "copy", environment: {}, timeoutMs: TIMEOUT_MS, create: () => handler });
  await host.connect({ queueUrl, functionName: "copy", maximumConcurrency: 2 });
  await makeResources(plan, input);
  return side;
}

/** Returns the consumer of that plan; it must exist. */
export function findSide(
  { consumers }: { readonly consumers: readonly ConsumerSide[] },
  { name }: ConsumerPlan,
): ConsumerSide {
  const found = consumers.find(({ plan }) => plan.name === name);
  if (found === undefined) throw new Error(`${name} is not installed.`);
  return found;
}

/** Subscribes a queue to the topic, with the filter of the first version. */
export async function subscribeQueue({ account, region }: Place, input: ConsumerSideInput): Promise<string> {
  const { clients, distributor } = input;
  const queueUrl = await createQueue(clients.sqs, `artifacts-${account}`);
  const asked = { QueueUrl: queueUrl, AttributeNames: ["QueueArn" as const] };
  const { Attributes } = await clients.sqs.send(new GetQueueAttributesCommand(asked));
  const FilterPolicy = JSON.stringify({ account: ["ALL", account], region: ["ALL", region] });
  await clients.home.sns.send(
    new SubscribeCommand({
      TopicArn: distributor.topicArn,
      Protocol: "sqs",
      Endpoint: Attributes?.["QueueArn"],
      Attributes: { RawMessageDelivery: "true", FilterPolicy },
    }),
  );
  return queueUrl;
}

async function createQueue(sqs: SQSClient, QueueName: string): Promise<string> {
  const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS), MessageRetentionPeriod: "1209600" };
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl;
}

interface FunctionParts {
  readonly parkingQueueUrl: string;
  readonly lines: string[];
}

/** Creates the function, as `apps/consumer` creates it from its settings. */
function createCopyFunction(plan: ConsumerPlan, input: ConsumerSideInput, { parkingQueueUrl, lines }: FunctionParts) {
  const { clients, clock, wire, distributor } = input;
  const { account, region, transfer } = plan;
  const bucket = bucketOf(plan);
  const source = { bucket: SOURCE_BUCKET, region: DISTRIBUTOR.region };
  const records = createS3Records({ client: clients.s3, bucket, prefix: ".stackyard/", clock });
  const fetch = createSourceFetch({ rules: source, origin: () => wire.url, now: clock.now });
  const note = (level: string) => (message: string, fields?: object) =>
    void lines.push(JSON.stringify({ level, message, ...fields }));
  const config = {
    account,
    region,
    topicArn: distributor.topicArn,
    sourceBucket: source.bucket,
    sourceRegion: source.region,
    sourceAccount: DISTRIBUTOR.account,
  };
  const consumer = createConsumer({
    config,
    bucket,
    receiptBus: distributor.receiptBus,
    parkingQueueUrl,
    records,
    clock,
    clients: { s3: clients.s3, sqs: clients.sqs, events: clients.home.events },
    copier: createCopier({
      fetch,
      transfer,
      clock,
      memory: createCopyMemory(records, clock),
      target: { client: clients.s3, account, region, bucket },
      source: { ...source, ...(transfer === "auto" ? { client: clients.home.s3 } : {}) },
    }),
    logger: { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") },
  });
  return (event: unknown, context: { getRemainingTimeInMillis(): number }) =>
    // Lambda passes nothing else to a function behind a queue.
    consumer.onMessages(event as SqsEvent, context);
}

/** Creates the custom resources of the stack: its bucket, and the trigger of the initial set. */
async function makeResources(plan: ConsumerPlan, input: ConsumerSideInput): Promise<void> {
  const { sim, clock, wire, clients, distributor } = input;
  const { account, region, transfer } = plan;
  const bucket = bucketOf(plan);
  const states = createTriggerClient({ url: wire.url, clients, roleArn: distributor.triggerRoleArn });
  const resources = createConsumerResources({
    account,
    region,
    clock,
    fetch: (address, request) => sim.answers.fetch(String(address), request),
    bucket: () => ({ s3: clients.s3 }),
    initialSet: () => ({
      bucket,
      machineArn: distributor.machineArn,
      states,
      capabilities: { transfer, retire: false },
      receipts: { client: clients.home.events, bus: distributor.receiptBus },
    }),
  });
  for (const [logicalId, resourceType, properties] of [
    ["Bucket", "Custom::AdoptedBucket", { BucketName: bucket }],
    ["InitialSet", "Custom::InitialSetTrigger", { Version: "1.0" }],
  ] as const) {
    const invoke = (event: ResourceRequest) => resources.onResource(event);
    const stack = { account, region, stackName: `artifacts-${account}` };
    const life = createResourceLife({ ...stack, clock, invoke, logicalId, resourceType, endpoint: sim.answers });
    const { status, reason } = await life.create(properties);
    if (status !== "CREATE_COMPLETE") throw new Error(`${plan.name}: ${logicalId} is ${status}: ${reason}`);
  }
  states.destroy();
}

/** Creates a client of Step Functions with a session of the distributor's role. */
export function createTriggerClient({ url, clients, roleArn }: TriggerInput): SFNClient {
  const { region } = DISTRIBUTOR;
  const sts = new STSClient({ endpoint: url, region, credentials: clients.credentials });
  return new SFNClient({
    endpoint: url,
    region,
    async credentials() {
      const asked = { RoleArn: roleArn, RoleSessionName: "stackyard", ExternalId: EXTERNAL_ID, DurationSeconds: 900 };
      const { Credentials } = await sts.send(new AssumeRoleCommand(asked));
      const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    },
  });
}

interface TriggerInput {
  readonly url: string;
  readonly clients: Clients;
  readonly roleArn: string;
}
