import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";

/** The table of locks, at an address. */
export interface LockTable {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startLockTable(TableName: string): Promise<LockTable> {
  const { url, stop } = await startDynamodb();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new DynamoDBClient({ endpoint: url, region: "eu-west-1", credentials });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
  client.destroy();
  return { url, stop };
}
