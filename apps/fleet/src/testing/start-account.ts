import type { Server } from "node:http";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type AwsSim, answerJson, answerQuery, createAwsSim, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { systemClock } from "@stackyard/core/engine";
import { deliverBatch } from "@stackyard/lambda-host";
import { buildApp } from "fauxqs";

/** The account and region of all resources. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
/** The bucket of the pipeline. */
export const BUCKET = "pipelines";

/** The functions' role is new: its first calls are denied. */
const IAM_DELAY_MS = 2_000;

/** A function as Lambda invokes it. */
type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>;

/** An account at one address: queues, buckets and tables of emulators, and the simulated services of a fleet. */
export interface Account {
  readonly sim: AwsSim;
  readonly door: FrontDoor;
  /** The environment with the addresses and the names of the yard's parts. */
  readonly environment: Readonly<Record<string, string>>;
  /** Credentials that exist for long, as environment variables. */
  readonly old: Readonly<Record<string, string>>;
  writeArtifact(key: string, text: string): Promise<void>;
  /** Invokes a function with the visible messages of a queue; returns the number of messages. */
  work(queue: "events" | "tasks", handler: Handler): Promise<number>;
  stop(): Promise<void>;
}

/** Starts it on loopback ports. */
export async function startAccount(iamDelayMs = IAM_DELAY_MS): Promise<Account> {
  const others = buildApp({ logger: false, defaultRegion: PLACE.region });
  await others.listen({ host: "127.0.0.1", port: 0 });
  const tables = await startDynamodb();
  const sim = createAwsSim({ clock: systemClock });
  const door = await openFrontDoor({
    others: toAddress(others.server.address()),
    services: {
      dynamodb: tables.url,
      ec2: answerQuery(sim, "EC2"),
      autoscaling: answerQuery(sim, "AutoScaling"),
      ssm: answerJson(sim, "SSM"),
      codepipeline: answerJson(sim, "CodePipeline"),
    },
  });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "functions" });
  if (iamDelayMs > 0) door.refuseNew(credentials.accessKeyId, iamDelayMs);
  const operator = sim.iam.addUser({ account: PLACE.account, name: "operator" });
  const config = { endpoint: door.url, region: PLACE.region, credentials: operator };
  const sqs = new SQSClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await tables.createTable("stacks", "id");
  const queues = { events: await createQueue(sqs, "stack-events"), tasks: await createQueue(sqs, "stack-tasks") };
  return {
    sim,
    door,
    environment: {
      AWS_ENDPOINT_URL: door.url,
      AWS_REGION: PLACE.region,
      LOG_LEVEL: "error",
      EMF_METRICS: "false",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      DYNAMODB_TABLE: "stacks",
      RUNNERS_HAVE_STORE: "true",
      SQS_EVENT_QUEUE_URL: queues.events,
      SQS_TASK_QUEUE_URL: queues.tasks,
    },
    old: { AWS_ACCESS_KEY_ID: operator.accessKeyId, AWS_SECRET_ACCESS_KEY: operator.secretAccessKey },
    async writeArtifact(Key, Body) {
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    },
    work: async (queue, handler) => (await deliverBatch(sqs, queues[queue], handler)).length,
    async stop() {
      for (const client of [sqs, s3]) client.destroy();
      await door.stop();
      await others.close();
      await tables.stop();
    },
  };
}

async function createQueue(sqs: SQSClient, QueueName: string): Promise<string> {
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return QueueUrl;
}

function toAddress(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}
