import type { Server } from "node:http";
import { DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { buildApp } from "fauxqs";

/** Emulated queues, buckets and tables on loopback ports, and the resources of a yard. */
export interface AwsCloud {
  /** The variables that lead there. */
  readonly environment: Readonly<Record<string, string>>;
  /** As in a configuration. */
  readonly yard: Readonly<Record<string, unknown>>;
  readonly queues: { readonly events: string; readonly tasks: string };
  /** Resolves when a state manager has created its own table. */
  waitForWorkTable(): Promise<void>;
  stop(): Promise<void>;
}

const REGION = "eu-west-1";
/** The bucket of whole logs. */
export const LOGS = "task-logs";
const DEAD = { deadLetterTargetArn: `arn:aws:sqs:${REGION}:000000000000:dead-letters`, maxReceiveCount: 5 };

/** Access keys of roles that are new: their first calls are denied. */
export const NEW_ROLES = { manager: "manager", runner: "runner" } as const;
const IAM_DELAY_MS = 2_000;

/** Starts them with a table of CloudSeam's shape and these machines. */
export async function startAwsCloud(machines: Readonly<Record<string, string>>): Promise<AwsCloud> {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const tables = await startDynamodb();
  const endpoint = toAddress(app.server.address());
  const tablesEndpoint = tables.url;
  const common = { region: REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const sqs = new SQSClient({ ...common, endpoint });
  for (const name of ["dead-letters", "stack-events", "stack-tasks"]) {
    const Attributes = name === "dead-letters" ? {} : { VisibilityTimeout: "180", RedrivePolicy: JSON.stringify(DEAD) };
    await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  }
  await fillBucket(new S3Client({ ...common, endpoint, forcePathStyle: true }), machines);
  const dynamodb = new DynamoDBClient({ ...common, endpoint: tablesEndpoint });
  await tables.createTable("Stacks", "id");
  const door = await openFrontDoor({ services: { dynamodb: tablesEndpoint }, others: endpoint });
  for (const role of Object.values(NEW_ROLES)) door.refuseNew(role, IAM_DELAY_MS);
  const queues = {
    events: `${door.url}/000000000000/stack-events`,
    tasks: `${door.url}/000000000000/stack-tasks`,
  };
  return {
    queues,
    environment: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL: door.url,
    },
    yard: {
      type: "aws",
      eventQueueUrl: queues.events,
      taskQueueUrl: queues.tasks,
      stacksTable: "Stacks",
      machines: { bucket: "machines", prefix: "m/" },
      logs: { bucket: LOGS },
    },
    async waitForWorkTable() {
      const patience = { client: dynamodb, minDelay: 1, maxDelay: 1, maxWaitTime: 60 };
      await waitUntilTableExists(patience, { TableName: "Stacks-work" });
    },
    async stop() {
      await door.stop();
      await app.close();
      await tables.stop();
    },
  };
}

function toAddress(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}

async function fillBucket(s3: S3Client, machines: Readonly<Record<string, string>>): Promise<void> {
  for (const Bucket of ["machines", LOGS]) await s3.send(new CreateBucketCommand({ Bucket }));
  for (const [name, Body] of Object.entries(machines)) {
    await s3.send(new PutObjectCommand({ Bucket: "machines", Key: `m/${name}.yml`, Body }));
  }
}
