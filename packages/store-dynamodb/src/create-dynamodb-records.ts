import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Records } from "@stackyard/core";
import { createRecords } from "./create-records.ts";
import { createTable } from "./database.ts";

/** Where records are. */
export interface DynamodbRecordsOptions {
  /** Whoever made it ends it. */
  readonly client: DynamoDBClient;
  /** Its key is `pk` and `sk`, both strings. Its time to live, where it has one, is in `ttl`. No indexes are needed. */
  readonly table: string;
}

/**
 * Records alone, in a table without a yard, for apps that need no more. Nothing is called before the first record is asked
 * for. Expired records are never given, and deleted by the table's time to live.
 */
export function createDynamodbRecords({ client, table }: DynamodbRecordsOptions): Records {
  return createRecords({ work: createTable(client, table, randomUUID) });
}
