import type { Server } from "node:http";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { countMessages, type MessageCounts } from "@stackyard/lambda-host";
import { buildApp } from "fauxqs";

const REGION = "eu-west-1";
const ACCOUNT = "000000000000";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

/** SQS, SNS, S3 and DynamoDB on loopback ports, and the environment that leads there. */
export interface Cloud {
  readonly environment: Readonly<Record<string, string>>;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  /** Creates a queue. Returns its URL. */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Makes a table as CloudSeam's users have it: a string key `id`. */
  createTable(name: string): Promise<void>;
  /** Makes a bucket with objects. */
  createBucket(name: string, objects: Readonly<Record<string, string>>): Promise<void>;
  /** Sends a body. */
  send(queueUrl: string, body: unknown): Promise<void>;
  /** Takes all messages that are visible, ten at a time, and removes them. */
  take(queueUrl: string): Promise<readonly Message[]>;
  /**
   * Receives visible messages as the event with which Lambda calls a function, or undefined within
   * that time. Default: now.
   */
  receive(queueUrl: string, waitSeconds?: number): Promise<LambdaBatch | undefined>;
  /** Counts the messages of a queue without a request. */
  countMessages(queueUrl: string): Promise<MessageCounts>;
  /** Removes the messages of a batch but those. */
  settle(batch: LambdaBatch, failures: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The event of an event source mapping. */
export interface LambdaBatch {
  readonly queueUrl: string;
  readonly Records: readonly {
    readonly messageId: string;
    readonly receiptHandle: string;
    readonly body: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly messageAttributes: Readonly<Record<string, { readonly stringValue?: string; readonly dataType: string }>>;
    readonly eventSource: "aws:sqs";
    readonly eventSourceARN: string;
  }[];
}

/** Starts them in this process. */
export async function startCloud(): Promise<Cloud> {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const tables = await startDynamodb();
  const endpoint = toAddress(app.server.address());
  const tablesEndpoint = tables.url;
  const common = { region: REGION, maxAttempts: 2, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const sqs = new SQSClient({ ...common, endpoint });
  const s3 = new S3Client({ ...common, endpoint, forcePathStyle: true });

  const receive = (queueUrl: string, waitSeconds = 0) => receiveBatch(sqs, queueUrl, waitSeconds);
  async function settle({ queueUrl, Records }: LambdaBatch, failures: readonly string[]): Promise<void> {
    const worked = Records.filter(({ messageId }) => !failures.includes(messageId));
    const remove = ({ receiptHandle: ReceiptHandle }: LambdaBatch["Records"][number]) =>
      sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    await Promise.all(worked.map(remove));
  }

  return {
    environment: {
      ...CREDENTIALS,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: tablesEndpoint,
    },
    sqs,
    dynamodb: tables.client,
    receive,
    countMessages: (queueUrl) => countMessages(app, queueUrl),
    settle,
    async createQueue(name, attributes = {}) {
      const fifo = name.endsWith(".fifo") ? { FifoQueue: "true" } : {};
      await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...fifo, ...attributes } }));
      return `${endpoint}/${ACCOUNT}/${name}`;
    },
    createTable: (name) => tables.createTable(name, "id"),
    async createBucket(Bucket, objects) {
      await s3.send(new CreateBucketCommand({ Bucket }));
      for (const [Key, Body] of Object.entries(objects)) await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async send(QueueUrl, body) {
      const MessageBody = typeof body === "string" ? body : JSON.stringify(body);
      const fifo = QueueUrl.endsWith(".fifo")
        ? { MessageGroupId: toGroup(body), MessageDeduplicationId: MessageBody }
        : {};
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...fifo }));
    },
    async take(queueUrl) {
      const taken: Message[] = [];
      for (let batch = await receive(queueUrl); batch !== undefined; batch = await receive(queueUrl)) {
        taken.push(...batch.Records.map(toMessage));
        await settle(batch, []);
      }
      return taken;
    },
    async stop() {
      for (const client of [sqs, s3]) client.destroy();
      await app.close();
      await tables.stop();
    },
  };
}

/** Returns the group of a message: its stack; a separate group without one. */
function toGroup(body: unknown): string {
  const named = typeof body === "object" && body !== null && "stackId" in body ? body.stackId : undefined;
  return typeof named === "string" && named !== "" ? named : "none";
}

function toAddress(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}

async function receiveBatch(sqs: SQSClient, queueUrl: string, waitSeconds: number): Promise<LambdaBatch | undefined> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    }),
  );
  if (Messages.length === 0) return undefined;
  const eventSourceARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:${queueUrl.split("/").at(-1)}`;
  return { queueUrl, Records: Messages.map((message) => toRecord(message, eventSourceARN)) };
}

function toMessage({ body, attributes, messageAttributes }: LambdaBatch["Records"][number]): Message {
  const noted = Object.entries(messageAttributes).map(([name, { stringValue = "", dataType }]) => {
    return [name, { StringValue: stringValue, DataType: dataType }] as const;
  });
  return { Body: body, Attributes: { ...attributes }, MessageAttributes: Object.fromEntries(noted) };
}

function toRecord(message: Message, eventSourceARN: string): LambdaBatch["Records"][number] {
  const { MessageId = "", ReceiptHandle = "", Body = "", Attributes = {}, MessageAttributes = {} } = message;
  const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = "", DataType = "String" }]) => {
    return [name, { stringValue: StringValue, dataType: DataType }] as const;
  });
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    eventSource: "aws:sqs",
    eventSourceARN,
    attributes: { ...Attributes },
    messageAttributes: Object.fromEntries(attributes),
  };
}
