import type {
  CreateTableCommandInput,
  GlobalSecondaryIndex,
  KeySchemaElement,
  Projection,
} from "@aws-sdk/client-dynamodb";

/** The names of the two tables. */
export interface TableNames {
  /** One item is one stack; readers of the predecessor's table see only these. */
  readonly stacks: string;
  /** History, keys, records, what is kept of absent stacks: everything else. */
  readonly work: string;
}

/** The sparse index of the stacks' table by which due work is found. An entry may be early, never late. */
export const DUE_INDEX = { name: "due", shard: "dueShard", at: "nextDueAt" } as const;

/** An index of the work table: the attributes of its key, and what else it holds. */
export interface WorkIndex {
  readonly name: string;
  readonly key: string;
  readonly at: string;
  readonly holds: readonly string[];
}

/** The indexes of the work table. All are sparse: an item has the attributes only while it belongs there. */
export const WORK_INDEXES = {
  /** What is due of absent stacks, repairs of redrives, and what is too old one day. */
  sweep: { name: "sweep", key: "sweepKey", at: "sweepAt", holds: ["of", "queued", "sent", "parked", "open"] },
  /** Lists for people: what was set aside. */
  list: { name: "list", key: "listKey", at: "listAt", holds: [] },
} as const satisfies Record<string, WorkIndex>;

/** As `CreateTable` takes it: a string key `id`, on-demand billing, and the index of due stacks. */
export function toStacksTable(name: string): CreateTableCommandInput {
  const { shard, at } = DUE_INDEX;
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: toDefinitions({ id: "S", [shard]: "N", [at]: "N" }),
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      { IndexName: DUE_INDEX.name, KeySchema: toKeys(shard, at), Projection: { ProjectionType: "KEYS_ONLY" } },
    ],
  };
}

/** As `CreateTable` takes it. */
export function toWorkTable(name: string): CreateTableCommandInput {
  const indexes = Object.values<WorkIndex>(WORK_INDEXES);
  const types = indexes.flatMap(({ key, at }) => [[key, "S"] as const, [at, "N"] as const]);
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: toDefinitions({ pk: "S", sk: "S", ...Object.fromEntries(types) }),
    KeySchema: toKeys("pk", "sk"),
    GlobalSecondaryIndexes: indexes.map(toIndex),
  };
}

function toIndex({ name, key, at, holds }: WorkIndex): GlobalSecondaryIndex {
  const included: Projection = { ProjectionType: "INCLUDE", NonKeyAttributes: [...holds] };
  return {
    IndexName: name,
    KeySchema: toKeys(key, at),
    Projection: holds.length === 0 ? { ProjectionType: "KEYS_ONLY" } : included,
  };
}

function toKeys(hash: string, range: string): KeySchemaElement[] {
  return [
    { AttributeName: hash, KeyType: "HASH" },
    { AttributeName: range, KeyType: "RANGE" },
  ];
}

function toDefinitions(types: Readonly<Record<string, "S" | "N">>) {
  return Object.entries(types).map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
}
