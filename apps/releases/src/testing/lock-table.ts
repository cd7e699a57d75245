import type { Server } from "node:http";
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";

/** The table of locks, at an address. */
export interface LockTable {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startLockTable(TableName: string): Promise<LockTable> {
  const server: Server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The table listens on no port.");
  const url = `http://127.0.0.1:${address.port}`;
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
  return { url, stop: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
}
