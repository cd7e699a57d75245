import type { Server } from "node:http";
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { buildApp } from "fauxqs";
import { type Call, type Grant, isAllowed } from "./find-grants.ts";
import { type Recorder, startRecorder } from "./record-calls.ts";
import {
  ACCOUNT,
  REGION,
  type ResolvedTemplate,
  resolveTemplate,
  type TemplateBody,
  toJson,
} from "./resolve-template.ts";

/** A template on emulators: its queues and tables are there, and calls are noted. */
export interface Deployment {
  readonly resolved: ResolvedTemplate;
  /** Returns a function's variables in the template, and those for the emulators. */
  environmentOf(functionId: string): Readonly<Record<string, string>>;
  /** Returns the variables of a function of another template, for the same emulators. */
  environmentIn(other: ResolvedTemplate, functionId: string): Readonly<Record<string, string>>;
  /** Puts a machine into the bucket. */
  putMachine(key: string, source: string): Promise<void>;
  send(queue: string, body: unknown): Promise<void>;
  /** Returns a queue's messages as the event for a Lambda function. */
  receive(queue: string): Promise<{ readonly Records: readonly Readonly<Record<string, unknown>>[] }>;
  /** Returns and forgets the calls since the last time. */
  takeCalls(): readonly Call[];
  stop(): Promise<void>;
}

const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };
const EMULATED_ACCOUNT = "000000000000";

/** Starts emulators and creates the queues, tables and the bucket of machines of a template with such parameters. */
export async function startDeployment(
  body: TemplateBody,
  parameters: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const tables = await startDynamodb();
  const [endpoint, tablesEndpoint] = [toAddress(app.server.address()), tables.url];
  const [recorder, tableRecorder] = [await startRecorder(endpoint), await startRecorder(tablesEndpoint)];
  const resolved = resolveTemplate(body, parameters, `${recorder.endpoint}/${EMULATED_ACCOUNT}`);
  const common = { region: REGION, credentials: CREDENTIALS };
  const sqs = new SQSClient({ ...common, endpoint });
  const s3 = new S3Client({ ...common, endpoint, forcePathStyle: true });
  const dynamodb = new DynamoDBClient({ ...common, endpoint: tablesEndpoint });
  await makeResources(resolved, { sqs, s3, dynamodb });
  const bucket = parameters["MachineBucket"] ?? "machines";
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const urlOf = (queue: string) => `${endpoint}/${EMULATED_ACCOUNT}/${queue}`;

  const environmentIn = (template: ResolvedTemplate, functionId: string) => ({
    ...toVariables(template, functionId),
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL: recorder.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: tableRecorder.endpoint,
  });

  return {
    resolved,
    environmentOf: (functionId) => environmentIn(resolved, functionId),
    environmentIn,
    putMachine: async (Key, Body) => void (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
    send: async (queue, body) =>
      void (await sqs.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: JSON.stringify(body) }))),
    receive: (queue) => receiveBatch(sqs, queue, urlOf(queue)),
    takeCalls: () => [recorder, tableRecorder].flatMap(({ calls }) => takeAll(calls)),
    async stop() {
      for (const client of [sqs, s3, dynamodb]) client.destroy();
      await Promise.all([recorder.stop(), tableRecorder.stop(), app.close()]);
      await tables.stop();
    },
  };
}

function takeAll(calls: Recorder["calls"]): readonly Call[] {
  return Array.isArray(calls) ? calls.splice(0) : [];
}

/** Calls that a role may not make, one text each. */
export function findDenied(grants: readonly Grant[], calls: readonly Call[]): readonly string[] {
  const denied = calls.filter((call) => !isAllowed(grants, call));
  return [...new Set(denied.map(({ action, resource }) => `${action} ${resource}`))];
}

/** Statements of a role that no call has needed, by policy and name. */
export function findUnused(grants: readonly Grant[], calls: readonly Call[]): readonly string[] {
  const unused = grants.filter((grant) => !calls.some((call) => isAllowed([grant], call)));
  return unused.map(({ policy, sid }) => `${policy} ${sid}`);
}

async function makeResources(
  { resources }: ResolvedTemplate,
  { sqs, s3, dynamodb }: { readonly sqs: SQSClient; readonly s3: S3Client; readonly dynamodb: DynamoDBClient },
): Promise<void> {
  for (const [id, { type, properties }] of Object.entries(resources)) {
    if (type === "AWS::S3::Bucket") {
      const { BucketName = id.toLowerCase() } = properties;
      await s3.send(new CreateBucketCommand({ Bucket: String(BucketName) }));
    }
    if (type === "AWS::SQS::Queue") {
      const { QueueName, VisibilityTimeout = 30 } = properties;
      const Attributes = { VisibilityTimeout: String(VisibilityTimeout) };
      await sqs.send(new CreateQueueCommand({ QueueName: String(QueueName), Attributes }));
    }
    if (type === "AWS::DynamoDB::Table") {
      const { PointInTimeRecoverySpecification: _, TimeToLiveSpecification: __, ...definition } = properties;
      await dynamodb.send(new CreateTableCommand(definition as unknown as CreateTableCommandInput));
    }
  }
}

function toVariables({ resources }: ResolvedTemplate, functionId: string): Readonly<Record<string, string>> {
  const { Variables } = toJson(resources[functionId]?.properties["Environment"]);
  return Object.fromEntries(Object.entries(toJson(Variables)).map(([name, value]) => [name, String(value)]));
}

async function receiveBatch(sqs: SQSClient, queue: string, QueueUrl: string) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 5,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    }),
  );
  const eventSourceARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}`;
  const Records = Messages.map(({ MessageId, ReceiptHandle, Body, Attributes = {}, MessageAttributes = {} }) => {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => {
      return [name, { stringValue: StringValue, dataType: DataType }] as const;
    });
    return {
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: Attributes,
      messageAttributes: Object.fromEntries(attributes),
      eventSource: "aws:sqs",
      eventSourceARN,
    };
  });
  return { Records };
}

function toAddress(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}
