import { createHash } from "node:crypto";
import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  type KeySchemaElement,
  type Projection,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { type Clock, type Logger, StackyardError } from "@stackyard/core";
import { type Item, isMissing, type Table, type TableIndex, toItem, toStoreError } from "./database.ts";

/** The names of the two tables. */
export interface TableNames {
  /** One item is one stack; readers of the predecessor's table see only these. */
  readonly stacks: string;
  /** Everything else: history, keys, records, data of absent stacks. */
  readonly work: string;
}

/** The sparse index of the stacks' table by which due work is found. An entry may be early, never late. */
export const DUE_INDEX = { name: "due", key: "dueShard", at: "nextDueAt" } as const;

/** An index of the work table: the attributes of its key, and the others that it contains. */
interface WorkIndex extends TableIndex {
  readonly holds: readonly string[];
}

/** The indexes of the work table. All are sparse: an item has the attributes only while it belongs there. */
export const WORK_INDEXES = {
  /** Due work of absent stacks, repairs of redrives, and rows that will be too old. */
  sweep: { name: "sweep", key: "sweepKey", at: "sweepAt", holds: ["of", "queued", "sent", "parked", "open"] },
  /** Lists for people: the dead letters. */
  list: { name: "list", key: "listKey", at: "listAt", holds: [] },
} as const satisfies Record<string, WorkIndex>;

/** The input of `CreateTable`. */
export type TableDefinition = CreateTableCommandInput;

/** Returns the input of `CreateTable`: a string key `id`, on-demand billing, and the index of due stacks. */
export function toStacksTable(name: string): TableDefinition {
  const { key, at } = DUE_INDEX;
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: toDefinitions({ id: "S", [key]: "N", [at]: "N" }),
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      { IndexName: DUE_INDEX.name, KeySchema: toKeys(key, at), Projection: { ProjectionType: "KEYS_ONLY" } },
    ],
  };
}

/** Returns the input of `CreateTable`. */
export function toWorkTable(name: string): TableDefinition {
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

/** Something about a table that is not as it should be. */
export interface TableFinding {
  readonly table: string;
  /** `error`: the store does not open. `warning`: it works, but slower. */
  readonly severity: "error" | "warning";
  readonly code: "table-missing" | "key-schema-wrong" | "index-missing" | "table-not-active";
  /** The fault. */
  readonly message: string;
  /** The remedy. */
  readonly advice: string;
}

/** The tables as they are. */
export interface TableCheck {
  readonly findings: readonly TableFinding[];
  /** False: the sweep reads the whole table of stacks. */
  readonly hasDueIndex: boolean;
}

/** Looks at both tables and changes nothing: for `doctor`, and before a store opens. Throws `STORE_UNAVAILABLE`. */
export async function checkTables(client: DynamoDBClient, names: TableNames): Promise<TableCheck> {
  const [stacks, work] = await Promise.all([describe(client, names.stacks), describe(client, names.work)]);
  return {
    findings: [...checkStacks(names.stacks, stacks), ...checkWork(names.work, work)],
    hasDueIndex: stacks !== undefined && hasIndex(stacks, DUE_INDEX.name),
  };
}

/** Returns undefined if the table does not exist. */
async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toStoreError(error);
  }
}

function checkStacks(table: string, found: TableDescription | undefined): readonly TableFinding[] {
  if (found === undefined) return [missing(table)];
  const findings = checkCommon(found, table, toStacksTable(table).KeySchema ?? []);
  return hasIndex(found, DUE_INDEX.name) ? findings : [...findings, withoutDueIndex(table)];
}

function checkWork(table: string, found: TableDescription | undefined): readonly TableFinding[] {
  if (found === undefined) return [missing(table)];
  const findings = checkCommon(found, table, toWorkTable(table).KeySchema ?? []);
  const lacking = Object.values<WorkIndex>(WORK_INDEXES).filter(({ name }) => !hasIndex(found, name));
  return [...findings, ...lacking.map(({ name }) => withoutIndex(table, name))];
}

function checkCommon(
  found: TableDescription,
  table: string,
  expected: readonly KeySchemaElement[],
): readonly TableFinding[] {
  const findings: TableFinding[] = [];
  if (toText(found.KeySchema ?? []) !== toText(expected)) {
    const message = `The key of the table "${table}" is ${toText(found.KeySchema ?? [])}; it must be ${toText(expected)}.`;
    const advice = "Name another table, or one that does not exist yet.";
    findings.push({ table, severity: "error", code: "key-schema-wrong", message, advice });
  }
  if (found.TableStatus !== undefined && !["ACTIVE", "UPDATING"].includes(found.TableStatus)) {
    const message = `The table "${table}" is ${found.TableStatus}.`;
    findings.push({ table, severity: "error", code: "table-not-active", message, advice: "Wait until it is ACTIVE." });
  }
  return findings;
}

function missing(table: string): TableFinding {
  return {
    table,
    severity: "error",
    code: "table-missing",
    message: `Table "${table}" does not exist in this account and region.`,
    advice:
      "Deploy the CloudFormation template of the state manager, which creates it, or set `createTables` in the store's options.",
  };
}

function withoutDueIndex(table: string): TableFinding {
  const { name, key, at } = DUE_INDEX;
  const update = [
    `aws dynamodb update-table --table-name ${table}`,
    `--attribute-definitions AttributeName=${key},AttributeType=N AttributeName=${at},AttributeType=N`,
    `--global-secondary-index-updates '[{"Create":{"IndexName":"${name}","KeySchema":[{"AttributeName":"${key}","KeyType":"HASH"},{"AttributeName":"${at}","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}]'`,
  ];
  return {
    table,
    severity: "warning",
    code: "index-missing",
    message: `The table "${table}" has no index "${name}": each sweep reads the whole table.`,
    advice: `Add it, then restart the apps: ${update.join(" ")} (a table with provisioned capacity needs ProvisionedThroughput in it).`,
  };
}

function withoutIndex(table: string, name: string): TableFinding {
  return {
    table,
    severity: "error",
    code: "index-missing",
    message: `The table "${table}" has no index "${name}".`,
    advice: "Make the table by the CloudFormation template, or let the store make it (`createTables`).",
  };
}

function hasIndex({ GlobalSecondaryIndexes = [] }: TableDescription, name: string): boolean {
  // An index that is being built contains only a part of the items.
  return GlobalSecondaryIndexes.some(
    ({ IndexName, IndexStatus = "ACTIVE" }) => IndexName === name && IndexStatus !== "CREATING",
  );
}

function toText(keys: readonly KeySchemaElement[]): string {
  return keys.map(({ AttributeName, KeyType }) => `${AttributeName} (${KeyType})`).join(", ");
}

const ASK_EVERY_MS = 500;
const WAIT_AT_MOST_MS = 120_000;

/** The input of opening a store. */
interface PrepareInput {
  readonly client: DynamoDBClient;
  readonly names: TableNames;
  /** Absent tables are made; `work`: that one only. */
  readonly mayCreate: boolean | "work";
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Checks the tables, and makes absent ones where that is allowed. Throws `CONFIG_INVALID` with all that is wrong. */
export async function prepareTables(input: PrepareInput): Promise<{ readonly hasDueIndex: boolean }> {
  const { client, names, mayCreate, logger } = input;
  const before = await checkTables(client, names);
  const absent = before.findings.filter(({ code }) => code === "table-missing");
  const made = absent.filter(({ table }) => mayCreate === true || (mayCreate === "work" && table === names.work));
  for (const finding of made) await createTable(input, finding);
  // Tables that another process has begun to create at the same time.
  const begun = mayCreate === false ? [] : before.findings.filter(({ code }) => code === "table-not-active");
  for (const { table } of [...made, ...begun]) await untilActive(input, table);
  const isOld = made.length + begun.length > 0;
  const { findings, hasDueIndex } = isOld ? await checkTables(client, names) : before;
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw refuse(errors);
  for (const { message, advice } of findings) logger.warn(`${message} ${advice}`);
  return { hasDueIndex };
}

async function createTable({ client, names, logger }: PrepareInput, finding: TableFinding): Promise<void> {
  const { table } = finding;
  logger.info(`Created the table "${table}".`);
  await send(client, table === names.stacks ? toStacksTable(table) : toWorkTable(table), finding);
}

async function untilActive({ client, clock }: PrepareInput, table: string): Promise<void> {
  const giveUpAt = clock.now() + WAIT_AT_MOST_MS;
  while ((await describe(client, table))?.TableStatus !== "ACTIVE") {
    if (clock.now() > giveUpAt)
      throw new StackyardError("STORE_UNAVAILABLE", `The table "${table}" does not become ACTIVE.`);
    await clock.sleep(ASK_EVERY_MS);
  }
}

async function send(client: DynamoDBClient, input: CreateTableCommandInput, finding: TableFinding): Promise<void> {
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    // Another process makes it at the same time.
    if (error instanceof Error && error.name === "ResourceInUseException") return;
    if (error instanceof Error && error.name === "AccessDeniedException") throw refuse([finding], error);
    throw toStoreError(error);
  }
}

function refuse(errors: readonly TableFinding[], cause?: unknown): StackyardError {
  const told = errors.map(({ message, advice }) => `${message} ${advice}`);
  return new StackyardError("CONFIG_INVALID", told.join("\n"), { details: { findings: errors }, cause });
}

/** The primary key of an item of the work table. */
export interface WorkKey {
  readonly pk: string;
  readonly sk: string;
}

// A partition key has at most 2,048 bytes, a sort key 1,024.
const MAX_PART_BYTES = 800;

/** Converts an id to part of a key: unchanged, or hashed if it is too long or not valid UTF-8. */
export function toKeyPart(id: string): string {
  if (id.isWellFormed() && Buffer.byteLength(id) <= MAX_PART_BYTES) return id;
  return `sha256:${createHash("sha256").update(id, "utf16le").digest("hex")}`;
}

/** Returns one of `shards` shards, by FNV-1a: the same for every process. */
export function toShard(id: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

/** Formats a number as text that sorts as the number does. */
export function toSortable(value: number): string {
  return String(value).padStart(16, "0");
}

/** Returns the key of a stack's row in addition to its item: its tombstone, ids, parked events and history. */
export function toStackKey(stackId: string, sk: string): WorkKey {
  return { pk: `stack#${toKeyPart(stackId)}`, sk };
}

/** The hash of the key of an applied event (`toEventKey`), and when it was applied. */
type AppliedId = readonly [hash: string, at: number];

/** The applied events that an aggregate remembers. */
export interface KnownIds {
  /** The newest ones, oldest first. */
  readonly ids: readonly AppliedId[];
  /** All that were ever applied. */
  readonly idCount: number;
  /** Some have left the item for rows of the work table. */
  readonly idsMoved: boolean;
}

/** Where ids are that have left their item. */
interface WorkTable {
  readonly work: Table;
}

/** The newest ids stay in the item. When there are more than the most, all others leave it together, as one row. */
const IDS_KEPT = 8;
const IDS_MOST = 24;

// An id is 12 bytes of its SHA-256 and 6 of its instant; six bytes of the count come before all.
const HASH_BYTES = 12;
const TIME_BYTES = 6;
const ENTRY_BYTES = HASH_BYTES + TIME_BYTES;

/** Ids that leave an item; `first`: the number of the first one, as all ids of the stack are counted. */
interface MovedIds {
  readonly first: number;
  readonly ids: readonly AppliedId[];
}

/** Returns the hash under which an id is remembered. */
export function toIdHash(id: string): string {
  return createHash("sha256").update(id, "utf16le").digest().subarray(0, HASH_BYTES).toString("base64url");
}

/** Adds applied ids, and returns those that leave the item. Pure. */
export function addIds<A extends KnownIds>(
  aggregate: A,
  applied: readonly string[],
  now: number,
): { readonly aggregate: A; readonly moved: MovedIds | undefined } {
  if (applied.length === 0) return { aggregate, moved: undefined };
  const all: readonly AppliedId[] = [...aggregate.ids, ...applied.map((id) => [toIdHash(id), now] as const)];
  const idCount = aggregate.idCount + applied.length;
  if (all.length <= IDS_MOST) return { aggregate: { ...aggregate, ids: all, idCount }, moved: undefined };
  const moved = { first: idCount - all.length + 1, ids: all.slice(0, -IDS_KEPT) };
  return { aggregate: { ...aggregate, ids: all.slice(-IDS_KEPT), idCount, idsMoved: true }, moved };
}

/** Encodes ids as bytes. */
export function packIds(ids: readonly AppliedId[], count: number): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES + ids.length * ENTRY_BYTES);
  bytes.writeUIntBE(count, 0, TIME_BYTES);
  for (const [index, [hash, at]] of ids.entries()) {
    const start = TIME_BYTES + index * ENTRY_BYTES;
    bytes.set(Buffer.from(hash, "base64url"), start);
    bytes.writeUIntBE(Math.max(0, at), start + HASH_BYTES, TIME_BYTES);
  }
  return bytes;
}

/** Decodes bytes of `packIds`. */
export function unpackIds(packed: Uint8Array | undefined): {
  readonly ids: readonly AppliedId[];
  readonly count: number;
} {
  if (packed === undefined) return { ids: [], count: 0 };
  const bytes = Buffer.from(packed);
  const ids: AppliedId[] = [];
  for (let start = TIME_BYTES; start + ENTRY_BYTES <= bytes.length; start += ENTRY_BYTES) {
    const hash = bytes.subarray(start, start + HASH_BYTES).toString("base64url");
    ids.push([hash, bytes.readUIntBE(start + HASH_BYTES, TIME_BYTES)]);
  }
  return { ids, count: bytes.readUIntBE(0, TIME_BYTES) };
}

/** Writes ids that leave an item, before they leave it: at no instant are they in neither. */
export async function writeMovedIds({ work }: WorkTable, stackId: string, { first, ids }: MovedIds): Promise<void> {
  const { pk, sk } = toStackKey(stackId, `ids#${toSortable(first)}`);
  const at = ids[0]?.[1] ?? 0;
  await work.put({ ...toItem({ pk, sk, stackId, sweepKey: "ids", sweepAt: at }), ids: { B: packIds(ids, first) } });
}

/** Returns those of the ids that the stack has applied. Reads older ids only when there are any. */
export async function findKnownIds(
  { work }: WorkTable,
  stackId: string,
  { ids, idsMoved }: Pick<KnownIds, "ids" | "idsMoved">,
  asked: readonly string[],
): Promise<readonly string[]> {
  const unique = [...new Set(asked)];
  const known = new Set(ids.map(([hash]) => hash));
  const hashes = new Map(unique.map((id) => [id, toIdHash(id)]));
  const isKnown = (id: string) => known.has(hashes.get(id) ?? "");
  if (idsMoved && unique.some((id) => !isKnown(id))) {
    const { pk: part, sk: prefix } = toStackKey(stackId, "ids#");
    for await (const { ids: packed } of work.query({ part, prefix })) {
      for (const [hash] of unpackIds(packed?.B).ids) known.add(hash);
    }
  }
  return unique.filter(isKnown);
}

/**
 * The maximum size of an item: 400 KB, names and values together.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_ITEM_BYTES = 400 * 1024;

/**
 * Returns the size of an item as DynamoDB counts it, never less.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function sizeOfItem(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

// A number takes about a byte for two digits, and one; a map or a list three, and one for each member.
function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.min(21, value.N.length + 2);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + sizeOfItem(value.M);
  if (value.L !== undefined) return value.L.reduce((sum, member) => sum + 1 + sizeOf(member), 3);
  return 1;
}
