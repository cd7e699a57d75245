import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";

/** Where emulators listen. */
export interface EmulatorAddresses {
  /** SQS and S3. */
  readonly url: string;
  readonly dynamodbUrl: string;
}

export const CREDENTIALS = { accessKeyId: "bench", secretAccessKey: "bench" };
export const REGION = "us-east-1";

/** What a function needs to know of them. */
export function toAwsEnvironment({ url, dynamodbUrl }: EmulatorAddresses): Readonly<Record<string, string>> {
  return {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodbUrl,
    LOG_LEVEL: "error",
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
}

/** Makes queues of these names. Gives their addresses, in order. */
export async function createQueues({ url }: EmulatorAddresses, names: readonly string[]): Promise<readonly string[]> {
  const sqs = new SQSClient({ endpoint: url, region: REGION, credentials: CREDENTIALS });
  const Attributes = { VisibilityTimeout: "360" };
  for (const QueueName of names) await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  sqs.destroy();
  return names.map((name) => `${url}/000000000000/${name}`);
}

/** Puts a machine into a new bucket, under `m/`. */
export async function createMachineBucket({ url }: EmulatorAddresses, Bucket: string, machine: string): Promise<void> {
  const s3 = new S3Client({ endpoint: url, region: REGION, credentials: CREDENTIALS, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "m/chain.yml", Body: machine }));
  s3.destroy();
}

/** Makes the table of stacks as the template has it, with the index of what is due. */
export async function createStacksTable({ dynamodbUrl }: EmulatorAddresses, TableName: string): Promise<void> {
  const dynamodb = new DynamoDBClient({ endpoint: dynamodbUrl, region: REGION, credentials: CREDENTIALS });
  const due = [
    { AttributeName: "dueShard", KeyType: "HASH" as const },
    { AttributeName: "nextDueAt", KeyType: "RANGE" as const },
  ];
  const table = new CreateTableCommand({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "id", AttributeType: "S" },
      { AttributeName: "dueShard", AttributeType: "N" },
      { AttributeName: "nextDueAt", AttributeType: "N" },
    ],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [{ IndexName: "due", KeySchema: due, Projection: { ProjectionType: "KEYS_ONLY" } }],
  });
  await dynamodb.send(table);
  dynamodb.destroy();
}
