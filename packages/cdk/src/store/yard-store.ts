import { readSecret } from "../policies/common-permissions.ts";
import { toDynamodbPermission } from "../policies/dynamodb-permission.ts";
import type { Permission } from "../policies/statement.ts";

/** A table, as functions and policies name it. */
export interface TableAddress {
  readonly arn: string;
  readonly name: string;
}

/** Where a yard keeps its state: two tables, or a Postgres database whose secret has the form that RDS gives it. */
export type YardStore =
  | { readonly kind: "dynamodb"; readonly stacks: TableAddress; readonly work: TableAddress }
  | { readonly kind: "postgres"; readonly secretArn: string };

/** Returns the variables with which an app finds the store. */
export function toStoreEnvironment(store: YardStore): Readonly<Record<string, string>> {
  if (store.kind === "postgres") return { POSTGRES_CONNECTION_SECRET: store.secretArn };
  return { DYNAMODB_TABLE: store.stacks.name, DYNAMODB_WORK_TABLE: store.work.name };
}

/** Returns what an app may do with the store. */
export function toStorePermission(store: YardStore): Permission {
  if (store.kind === "postgres") return readSecret(store.secretArn);
  return toDynamodbPermission({ stacksArn: store.stacks.arn, workArn: store.work.arn });
}
