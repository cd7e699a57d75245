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
/** The keys of the store's indexes: an item is in an index while it has both attributes. */
const INDEX_KEYS = [
  ["dueShard", "nextDueAt"],
  ["sweepKey", "sweepAt"],
  ["listKey", "listAt"],
] as const;

/** The request as sent, but with the consumed capacity in its answer. */
export function askConsumption({ service, operation, body }: CountedRequest): Buffer {
  if (service !== "dynamodb" || !(READS.has(operation) || WRITES.has(operation))) return body;
  return Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), ReturnConsumedCapacity: "TOTAL" }));
}

/**
 * Counts what the emulator says that each request consumed, by the sizes of items, and what it writes into indexes, which
 * the emulator does not count: a unit for an entry that comes or goes, two for one whose key changes, none for one that
 * stays. ("Working with Global Secondary Indexes", write capacity.) It must be given every request, in order.
 */
export function createDynamodbUnits(): (request: CountedRequest, answer: Buffer) => DynamodbUnits {
  const entries = new Map<string, readonly string[]>();
  return ({ operation, body }, answer) => {
    const parsed: unknown = JSON.parse(answer.toString() || "{}");
    const consumed: unknown = Object(parsed).ConsumedCapacity;
    const units = [consumed].flat().reduce((sum: number, each) => sum + Number(Object(each).CapacityUnits ?? 0), 0);
    if (READS.has(operation)) return { read: units, write: 0 };
    // A conditional write that fails is paid for as well; the emulator does not say how much.
    if (/ConditionalCheckFailed/.test(String(Object(parsed).__type))) return { read: 0, write: 1 };
    return { read: 0, write: units + countEntries(entries, operation, Object(JSON.parse(body.toString()))) };
  };
}

interface WriteInput {
  readonly TableName?: string;
  readonly Item?: Readonly<Record<string, unknown>>;
  readonly Key?: Readonly<Record<string, unknown>>;
  readonly UpdateExpression?: string;
}

function countEntries(known: Map<string, readonly string[]>, operation: string, input: WriteInput): number {
  const { TableName = "", Item: item, Key: key = item ?? {}, UpdateExpression: update = "" } = input;
  if (operation === "UpdateItem")
    return 2 * INDEX_KEYS.filter((names) => names.some((name) => update.includes(name))).length;
  const name = JSON.stringify([TableName, key["id"], key["pk"], key["sk"]]);
  const before = known.get(name) ?? [];
  const after = operation === "PutItem" && item !== undefined ? INDEX_KEYS.map((names) => toEntry(item, names)) : [];
  known.set(name, after);
  return INDEX_KEYS.reduce((sum, _, index) => sum + countChange(before[index] ?? "", after[index] ?? ""), 0);
}

/** Empty: the item is not in that index. */
function toEntry(item: Readonly<Record<string, unknown>>, names: readonly string[]): string {
  return names.every((name) => item[name] !== undefined) ? JSON.stringify(names.map((name) => item[name])) : "";
}

function countChange(before: string, after: string): number {
  if (before === after) return 0;
  return before === "" || after === "" ? 1 : 2;
}
