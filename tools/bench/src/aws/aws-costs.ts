import type { DoorRequest } from "@stackyard/aws-sim";
import type { Table } from "../report.ts";

/** A request, as far as its cost is counted. */
export type CountedRequest = Pick<DoorRequest, "service" | "operation" | "body">;

/**
 * US dollars per million units in US East (N. Virginia), on demand, without free tiers, as the pricing pages of AWS list them in
 * November 2026.
 */
const PRICES = {
  "SQS requests": 0.4,
  "DynamoDB write units": 0.625,
  "DynamoDB read units": 0.125,
  "Lambda requests": 0.2,
  "Lambda GB-seconds, arm64": 13.3334,
  "S3 GET": 0.4,
  "S3 LIST": 5,
} as const;
type Unit = keyof typeof PRICES;

/** The assumed duration and memory of an invocation: AWS's own times cannot be measured here. */
const INVOCATION_GB_SECONDS = 0.1 * 0.5;

/** The billed units that a number of transitions used. */
export interface AwsCosts {
  readonly scenario: string;
  readonly transitions: number;
  readonly units: AwsUnits;
}

/** Billed units by name. */
export type AwsUnits = Readonly<Partial<Record<Unit, number>>>;

/** Counts the billed units of requests between `begin` and `end`. */
export interface CostCounter {
  /** Records a request; must receive every one in order, also those that are not counted. */
  add(request: CountedRequest, answer: Buffer): void;
  begin(): void;
  end(invocations: number): AwsUnits;
}

/** Creates a counter that does not count yet. */
export function createCostCounter(): CostCounter {
  const units = new Map<Unit, number>();
  const add = (unit: Unit, count: number) => units.set(unit, (units.get(unit) ?? 0) + count);
  const toDynamodbUnits = createDynamodbUnits();
  let counting = false;
  return {
    add(request, answer) {
      const { read, write } = toDynamodbUnits(request, answer);
      if (!counting || isEmptyReceive(request, answer)) return;
      add("DynamoDB read units", read);
      add("DynamoDB write units", write);
      if (request.service === "sqs") add("SQS requests", 1);
      if (request.service === "s3") add(request.operation === "ListObjectsV2" ? "S3 LIST" : "S3 GET", 1);
    },
    begin() {
      units.clear();
      counting = true;
    },
    end(invocations) {
      counting = false;
      add("Lambda requests", invocations);
      add("Lambda GB-seconds, arm64", invocations * INVOCATION_GB_SECONDS);
      return Object.fromEntries(units);
    },
  };
}

/**
 * Returns true for requests to ignore: an idle queue has empty receives, and only the benchmark reads attributes of
 * queues.
 */
function isEmptyReceive({ operation }: CountedRequest, answer: Buffer): boolean {
  if (operation === "GetQueueAttributes") return true;
  return operation === "ReceiveMessage" && !answer.includes("ReceiptHandle");
}

/** Returns what the units of DynamoDB cost, in US cents. */
export function toDynamodbCents(units: AwsUnits): number {
  const names = ["DynamoDB write units", "DynamoDB read units"] as const;
  return names.reduce((sum, name) => sum + ((units[name] ?? 0) * PRICES[name]) / 10_000, 0);
}

/** Returns the units and US cents of 1,000 transitions. */
export function toCostTable({ scenario, transitions, units }: AwsCosts): Table {
  const rows = Object.entries(PRICES).map(([unit, price]) => {
    const count = ((units[unit as Unit] ?? 0) * 1_000) / transitions;
    return { unit, count, price, cents: (count * price) / 10_000 };
  });
  const cents = rows.reduce((sum, row) => sum + row.cents, 0);
  return {
    title: `1,000 transitions on standard queues and DynamoDB, ${scenario}`,
    head: ["unit", "count", "US dollars per million", "US cents"],
    rows: [
      ...rows.map((row) => [row.unit, row.count.toFixed(0), String(row.price), row.cents.toFixed(3)]),
      ["total", "", "", cents.toFixed(2)],
    ],
  };
}

const READS = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);
const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"]);
/** The keys of the store's indexes: an item is in an index while it has both attributes. */
const INDEX_KEYS = [
  ["dueShard", "nextDueAt"],
  ["sweepKey", "sweepAt"],
  ["listKey", "listAt"],
] as const;

/** Returns the request as sent, but with the consumed capacity in its answer. */
export function askConsumption({ service, operation, body }: CountedRequest): Buffer {
  if (service !== "dynamodb" || !(READS.has(operation) || WRITES.has(operation))) return body;
  return Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), ReturnConsumedCapacity: "TOTAL" }));
}

/**
 * Counts what the emulator says that each request consumed, by the sizes of items, and what it writes into indexes, which
 * the emulator does not count: a unit for an entry that comes or goes, two for one whose key changes, none for one that
 * stays. ("Working with Global Secondary Indexes", write capacity.)
 */
export function createDynamodbUnits(): (
  request: CountedRequest,
  answer: Buffer,
) => { readonly read: number; readonly write: number } {
  const entries = new Map<string, readonly string[]>();
  return ({ service, operation, body }, answer) => {
    if (service !== "dynamodb") return { read: 0, write: 0 };
    const parsed: unknown = JSON.parse(answer.toString() || "{}");
    const consumed: unknown = Object(parsed).ConsumedCapacity;
    const units = [consumed].flat().reduce((sum: number, each) => sum + Number(Object(each).CapacityUnits ?? 0), 0);
    if (READS.has(operation)) return { read: units, write: 0 };
    // A conditional write that fails is billed as well; the emulator does not report how much.
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

/** Returns the entry; empty when the item is not in that index. */
function toEntry(item: Readonly<Record<string, unknown>>, names: readonly string[]): string {
  return names.every((name) => item[name] !== undefined) ? JSON.stringify(names.map((name) => item[name])) : "";
}

function countChange(before: string, after: string): number {
  if (before === after) return 0;
  return before === "" || after === "" ? 1 : 2;
}
