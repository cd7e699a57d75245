import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { defineExecutor, succeeded } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createLambdaHost, type LambdaHost } from "@stackyard/lambda-host";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { buildApp } from "fauxqs";
import { Type } from "typebox";
import { type AwsCosts, askConsumption, createCostCounter } from "./aws-costs.ts";

/** A number of stacks that go through a chain of states, each with one task. */
export interface CostScenario {
  readonly name: string;
  readonly stacks: number;
  readonly states: number;
  /** False: the task runner works by message alone. */
  readonly runnerHasStore: boolean;
}

/** Accepted by the emulators. */
export const CREDENTIALS = { accessKeyId: "bench", secretAccessKey: "bench" };
/** Of all emulators. */
export const REGION = "us-east-1";
const NAME = "bench";

/** The work of a task costs nothing here. */
const step = defineExecutor({
  name: "lambda",
  config: Type.Object({ name: Type.String() }),
  start: async () => succeeded({}),
});

/** Runs both functions over emulators, and counts the billed units of all their requests and of their event source mappings. */
export async function measureCosts({ name, stacks, states, runnerHasStore }: CostScenario): Promise<AwsCosts> {
  const emulators = await startEmulators();
  const counter = createCostCounter();
  const door = await openFrontDoor({
    services: { dynamodb: emulators.dynamodbUrl },
    others: emulators.url,
    rewrite: askConsumption,
    onExchange: (request, { body }) => counter.add(request, body),
  });
  const sqs = new SQSClient({ endpoint: door.url, region: REGION, credentials: CREDENTIALS });
  const host = createLambdaHost({ sqs, clock: systemClock });
  const run = async (ids: readonly string[]) => {
    for (const stackId of ids)
      await sqs.send(new SendMessageCommand(toStart(`${door.url}/000000000000/events`, stackId)));
    await host.idle();
  };
  try {
    await createResources(door.url, states);
    await addFunctions(host, door.url, runnerHasStore);
    // The cost of opening, once for each instance, does not belong to a transition.
    await host.tick("state-manager");
    await run(["warm-up"]);
    const before = host.invocations.length;
    counter.begin();
    await run(Array.from({ length: stacks }, (_, index) => `pr-${index}`));
    const units = counter.end(host.invocations.length - before);
    const failed = host.invocations.find(({ outcome }) => outcome.kind !== "answered");
    if (failed !== undefined) throw new Error(`An invocation failed: ${JSON.stringify(failed.outcome)}`);
    return { scenario: name, transitions: stacks * (states + 1), units };
  } finally {
    host.stop();
    sqs.destroy();
    await door.stop();
    await emulators.stop();
  }
}

async function startEmulators() {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const dynamodb = await startDynamodb();
  return {
    url,
    dynamodbUrl: dynamodb.url,
    async stop() {
      await app.close();
      await dynamodb.stop();
    },
  };
}

/** Creates the queues, the machine and the table of stacks as the template has it, with the index of what is due. */
async function createResources(endpoint: string, states: number): Promise<void> {
  const client = { endpoint, region: REGION, credentials: CREDENTIALS };
  const sqs = new SQSClient(client);
  const Attributes = { VisibilityTimeout: "360" };
  for (const QueueName of ["events", "tasks", "ticks"])
    await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: NAME }));
  await s3.send(new PutObjectCommand({ Bucket: NAME, Key: "m/chain.yml", Body: toMachine(states) }));
  const dynamodb = new DynamoDBClient(client);
  const table = new CreateTableCommand({
    TableName: NAME,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "id", AttributeType: "S" },
      { AttributeName: "dueShard", AttributeType: "N" },
      { AttributeName: "nextDueAt", AttributeType: "N" },
    ],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: "due",
        KeySchema: [
          { AttributeName: "dueShard", KeyType: "HASH" },
          { AttributeName: "nextDueAt", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ],
  });
  await dynamodb.send(table);
  for (const used of [sqs, s3, dynamodb]) used.destroy();
}

function toMachine(states: number): string {
  const lines = Array.from({ length: states }, (_, index) => {
    const next = index + 1 === states ? "END" : `S${index + 2}`;
    return `  S${index + 1}: {tasks: [step], on: {NEXT: [{action: advance, state: ${next}}]}}`;
  });
  return `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: S1}]}}
${lines.join("\n")}
  END: {}
tasks:
  step: {executor: lambda, config: {name: step}}
`;
}

function toStart(QueueUrl: string, stackId: string) {
  const event = { stackId, event: "START", machine: "chain", metadata: { sha: "9f1c", owner: "kim" } };
  return { QueueUrl, MessageBody: JSON.stringify(event) };
}

async function addFunctions(host: LambdaHost, url: string, runnerHasStore: boolean): Promise<void> {
  const toQueue = (name: string) => `${url}/000000000000/${name}`;
  const common = {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    LOG_LEVEL: "error",
    RUNNERS_HAVE_STORE: String(runnerHasStore),
    SQS_TASK_QUEUE_URL: toQueue("tasks"),
    SQS_TICK_QUEUE_URL: toQueue("ticks"),
  };
  const decides = { DYNAMODB_TABLE: NAME, MACHINE_LOCATOR: "S3", MACHINE_S3_BUCKET: NAME };
  host.addFunction({
    name: "state-manager",
    timeoutMs: 60_000,
    reservedConcurrency: 2,
    environment: { ...common, ...decides },
    create: (environment) => createStateManager({ environment, executors: [step] }).handler,
  });
  host.addFunction({
    name: "task-runner",
    timeoutMs: 360_000,
    reservedConcurrency: 5,
    environment: { ...common, SQS_EVENT_QUEUE_URL: toQueue("events"), ...(runnerHasStore ? decides : {}) },
    create: (environment) => createTaskRunner({ environment, executors: [step] }).handler,
  });
  await host.connect({ queueUrl: toQueue("events"), functionName: "state-manager" });
  await host.connect({ queueUrl: toQueue("tasks"), functionName: "task-runner" });
}
