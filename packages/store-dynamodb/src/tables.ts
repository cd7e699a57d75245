import {
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
import { isMissing, type TableIndex, toStoreError } from "./database.ts";

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
