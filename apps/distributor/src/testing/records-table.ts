import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";

/** The table of records, on an emulator. */
export interface RecordsTable {
  readonly url: string;
  readonly client: DynamoDBClient;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startRecordsTable(TableName: string): Promise<RecordsTable> {
  const dynamodb = await startDynamodb();
  const { url } = dynamodb;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new DynamoDBClient({ endpoint: url, region: "eu-west-1", credentials });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
  return {
    url,
    client,
    async stop() {
      client.destroy();
      await dynamodb.stop();
    },
  };
}
