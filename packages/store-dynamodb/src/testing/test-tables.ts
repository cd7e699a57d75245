import { setTimeout } from "node:timers/promises";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { systemClock } from "@stackyard/core/engine";
import { createDynamodbStore, type DynamodbStore, type DynamodbStoreOptions } from "../create-store.ts";
import { createEmulatorHandler } from "./emulator-handler.ts";

/** An emulator of DynamoDB with tables for each store: `client` calls it in this process, others over HTTP. */
export interface TestTables {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  /** Returns a name that no table has yet. */
  newTable(): string;
  /** Opens a store with separate tables, or with those of that name. */
  open(options?: Partial<DynamodbStoreOptions>): Promise<DynamodbStore>;
  stop(): Promise<void>;
}

/** Resolves when a table can be written to. */
export async function untilActive(client: DynamoDBClient, table: string): Promise<void> {
  const describe = new DescribeTableCommand({ TableName: table });
  while ((await client.send(describe)).Table?.TableStatus !== "ACTIVE") await setTimeout(5);
}

/** Starts it on a free port of this machine. */
export async function startTestTables(): Promise<TestTables> {
  const { url: endpoint, server, stop } = await startDynamodb();
  const client = new DynamoDBClient({
    endpoint,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    ...createEmulatorHandler(server),
  });
  // As the store does with its own client.
  client.middlewareStack.remove("loggerMiddleware");
  let tables = 0;
  const made = new Set<string>();
  const newTable = () => {
    tables += 1;
    return `stacks-${tables}`;
  };
  return {
    client,
    endpoint,
    newTable,
    async open(options = {}) {
      const own = { table: newTable(), client, createTables: true as const, ...options };
      // The emulator takes milliseconds, a store asks every half a second, and a test's clock does not advance.
      const clock = { ...systemClock, sleep: () => setTimeout(1) };
      const names = JSON.stringify([own.table, own.workTable, own.createTables]);
      if (!made.has(names)) await (await createDynamodbStore({ ...own, client, clock })).close();
      made.add(names);
      return createDynamodbStore(own);
    },
    async stop() {
      client.destroy();
      await stop();
    },
  };
}
