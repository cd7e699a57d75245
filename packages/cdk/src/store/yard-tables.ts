import { toStacksTable, toWorkTable } from "@stackyard/store-dynamodb";
import { type CfnCondition, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import type { TableAddress } from "./yard-store.ts";

type TableDefinition = ReturnType<typeof toStacksTable>;

/** Settings of a table. */
export interface YardTableProps {
  readonly name: string;
  /** The condition under which the table exists. */
  readonly condition?: CfnCondition | undefined;
}

/** Creates the table of stacks, which is retained when everything else is deleted. */
export function createStacksTable(scope: Construct, id: string, props: YardTableProps): CfnTable {
  return createTable(scope, id, { ...props, definition: toStacksTable(props.name) });
}

/** Creates the table of everything else, which is also retained. */
export function createWorkTable(scope: Construct, id: string, props: YardTableProps): CfnTable {
  return createTable(scope, id, { ...props, definition: toWorkTable(props.name) });
}

/** A table that is made here. */
export function toTableAddress(table: CfnTable): TableAddress {
  return { arn: table.attrArn, name: table.ref };
}

function createTable(
  scope: Construct,
  id: string,
  { name, definition, condition }: YardTableProps & { readonly definition: TableDefinition },
): CfnTable {
  const { AttributeDefinitions = [], KeySchema = [], GlobalSecondaryIndexes = [] } = definition;
  const table = new CfnTable(scope, id, {
    tableName: name,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: AttributeDefinitions.map(({ AttributeName = "", AttributeType = "S" }) => ({
      attributeName: AttributeName,
      attributeType: AttributeType,
    })),
    keySchema: toKeys(KeySchema),
    globalSecondaryIndexes: GlobalSecondaryIndexes.map((index) => ({
      indexName: index.IndexName ?? "",
      keySchema: toKeys(index.KeySchema ?? []),
      projection: {
        projectionType: index.Projection?.ProjectionType ?? "KEYS_ONLY",
        ...(index.Projection?.NonKeyAttributes === undefined
          ? {}
          : { nonKeyAttributes: index.Projection.NonKeyAttributes }),
      },
    })),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.RETAIN);
  if (condition !== undefined) table.cfnOptions.condition = condition;
  return table;
}

function toKeys(keys: NonNullable<TableDefinition["KeySchema"]>) {
  return keys.map(({ AttributeName = "", KeyType = "HASH" }) => ({ attributeName: AttributeName, keyType: KeyType }));
}
