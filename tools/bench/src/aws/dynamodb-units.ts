import type { DoorRequest } from "@stackyard/aws-sim";

/** A request, as far as its use is counted. */
export type CountedRequest = Pick<DoorRequest, "service" | "operation" | "body">;

/** Units of one request to DynamoDB. */
export interface DynamodbUnits {
  readonly read: number;
  readonly write: number;
}

const READS = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);
const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"]);
/** The keys of the store's indexes: an item is in an index while it has its key. */
const INDEX_KEY = /"(dueShard|workKey|sweepKey|listKey)"/g;

/** The request as it is sent, but that its answer says what it consumed. */
export function askConsumption({ service, operation, body }: CountedRequest): Buffer {
  if (service !== "dynamodb" || !(READS.has(operation) || WRITES.has(operation))) return body;
  return Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), ReturnConsumedCapacity: "TOTAL" }));
}

/**
 * What the emulator says that a request consumed, by the sizes of items, and what it writes into indexes, which the emulator
 * does not count: a unit for each index key in an item that is put, two for each one that an update names, since a change of
 * an entry is a removal and a new one. ("Working with Global Secondary Indexes", write capacity.)
 */
export function toDynamodbUnits({ operation, body }: CountedRequest, answer: Buffer): DynamodbUnits {
  const consumed: unknown = Object(JSON.parse(answer.toString() || "{}")).ConsumedCapacity;
  const units = [consumed].flat().reduce((sum: number, each) => sum + Number(Object(each).CapacityUnits ?? 0), 0);
  if (READS.has(operation)) return { read: units, write: 0 };
  const keys = new Set(body.toString().match(INDEX_KEY)).size;
  return { read: 0, write: units + keys * (operation === "UpdateItem" ? 2 : 1) };
}
