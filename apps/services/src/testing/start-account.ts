import type { Server } from "node:http";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { deliverBatch } from "@stackyard/lambda-host";
import { buildApp } from "fauxqs";

const REGION = "eu-west-1";
const BUCKET = "projects";

/** The functions' role is new: its first calls are denied. */
const NEW_ROLE = { accessKeyId: "functions", secretAccessKey: "test" };
const IAM_DELAY_MS = 2_000;

type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>;

/** A mapping document whose stacks are of `MACHINE`. */
export const MAPPING = `
host: ci
machine: preview
stack: "shop-pr-\${hook.data.number}"
rules:
  built: { on: message.built, send: OPENED }
`;
export const MACHINE = `
version: 2
events: { OPENED: { allow: "actor.kind == 'host'" } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: {} }
`;

/** Queues, a bucket and tables of emulators. */
export interface Account {
  readonly door: FrontDoor;
  readonly environment: Readonly<Record<string, string>>;
  /** Credentials that exist for long, as environment variables. */
  readonly old: Readonly<Record<string, string>>;
  /** Writes a file of the project. */
  write(path: string, text: string): Promise<void>;
  /** Invokes a function with the messages of a queue, by default that of events, until it is empty; returns their bodies. */
  settle(handler: Handler, queue?: "events" | "tasks"): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts it on loopback ports. */
export async function startAccount(iamDelayMs = IAM_DELAY_MS): Promise<Account> {
  const others = buildApp({ logger: false, defaultRegion: REGION });
  await others.listen({ host: "127.0.0.1", port: 0 });
  const tables = await startDynamodb();
  const [endpoint, tablesUrl] = [toAddress(others.server.address()), tables.url];
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint, region: REGION, credentials });
  const s3 = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await tables.createTable("stacks", "id");
  const createQueue = async (QueueName: string) =>
    (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? "";
  const door = await openFrontDoor({ services: { dynamodb: tablesUrl }, others: endpoint });
  if (iamDelayMs > 0) door.refuseNew(NEW_ROLE.accessKeyId, iamDelayMs);
  const queues = { events: await createQueue("stack-events"), tasks: await createQueue("stack-tasks") };
  return {
    door,
    environment: {
      AWS_ENDPOINT_URL: door.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: NEW_ROLE.accessKeyId,
      AWS_SECRET_ACCESS_KEY: NEW_ROLE.secretAccessKey,
      LOG_LEVEL: "error",
      EMF_METRICS: "false",
      DYNAMODB_TABLE: "stacks",
      SQS_EVENT_QUEUE_URL: queues.events,
      SQS_TASK_QUEUE_URL: queues.tasks,
      MACHINE_LOCATOR: "S3",
      MACHINE_S3_BUCKET: BUCKET,
      MACHINE_S3_KEY: "machines/",
      PROJECT_BUCKET: BUCKET,
      PROJECT_PREFIX: "project/",
    },
    old: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    async write(Key, Body) {
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    },
    settle: (handler, queue = "events") => settle(sqs, queues[queue], handler),
    async stop() {
      for (const client of [sqs, s3]) client.destroy();
      await door.stop();
      await others.close();
      await tables.stop();
    },
  };
}

async function settle(sqs: SQSClient, queueUrl: string, handler: Handler): Promise<readonly string[]> {
  const messages = await deliverBatch(sqs, queueUrl, handler);
  if (messages.length === 0) return [];
  return [...messages.map(({ Body = "" }) => Body), ...(await settle(sqs, queueUrl, handler))];
}

function toAddress(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}
