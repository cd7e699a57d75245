import {
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import {
  DUE_INDEX,
  type TableNames,
  toStacksTable,
  toWorkTable,
  WORK_INDEXES,
  type WorkIndex,
} from "./table-definitions.ts";
import { isMissing, toStoreError } from "./to-store-error.ts";

/** Something about a table that is not as it should be. */
export interface TableFinding {
  readonly table: string;
  /** `error`: the store does not open. `warning`: it works, but slower. */
  readonly severity: "error" | "warning";
  readonly code: "table-missing" | "key-schema-wrong" | "index-missing" | "table-not-active";
  /** What is wrong. */
  readonly message: string;
  /** What to do. */
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

/** Undefined: there is no such table. */
export async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
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
    findings.push({
      table,
      severity: "error",
      code: "key-schema-wrong",
      message: `The key of the table "${table}" is ${toText(found.KeySchema ?? [])}; it must be ${toText(expected)}.`,
      advice: "Name another table, or one that does not exist yet.",
    });
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
    message: `There is no table "${table}" in this account and region.`,
    advice:
      "Deploy the CloudFormation template of the state manager, which makes it, or allow the store to make it (`createTables`).",
  };
}

function withoutDueIndex(table: string): TableFinding {
  const { name, shard, at } = DUE_INDEX;
  const update = [
    `aws dynamodb update-table --table-name ${table}`,
    `--attribute-definitions AttributeName=${shard},AttributeType=N AttributeName=${at},AttributeType=N`,
    `--global-secondary-index-updates '[{"Create":{"IndexName":"${name}","KeySchema":[{"AttributeName":"${shard}","KeyType":"HASH"},{"AttributeName":"${at}","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}]'`,
  ];
  return {
    table,
    severity: "warning",
    code: "index-missing",
    message: `The table "${table}" has no index "${name}": each sweep reads the whole table.`,
    advice: `Add it, then start the apps anew: ${update.join(" ")} (a table with provisioned capacity needs ProvisionedThroughput in it).`,
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
  // An index that is being built knows only a part of the items.
  return GlobalSecondaryIndexes.some(
    ({ IndexName, IndexStatus = "ACTIVE" }) => IndexName === name && IndexStatus !== "CREATING",
  );
}

function toText(keys: readonly KeySchemaElement[]): string {
  return keys.map(({ AttributeName, KeyType }) => `${AttributeName} (${KeyType})`).join(", ");
}
