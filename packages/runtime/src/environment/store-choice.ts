import type { Variables } from "./variables.ts";

/** Which store a yard has. */
export type StoreChoice =
  | {
      readonly kind: "dynamodb";
      readonly table: string;
      readonly workTable: string | undefined;
      readonly creates: boolean;
    }
  | { readonly kind: "postgres"; readonly secretId: string }
  | { readonly kind: "postgres"; readonly address: string };

/** The server of the predecessor's local set-up. */
const LOCAL_DATABASE = "postgres://cloudseam:cloudseam@db:5432/cloudseam";
const LOCAL_TABLE = "Stacks";

/**
 * As the predecessor chose: Postgres where a secret is named, else DynamoDB where a table is named or `LOCAL_MODE` is set.
 * There a database lies on the host `db`, whatever the secret is, and absent tables are made. Undefined: none.
 */
export function toStoreChoice(values: Variables): StoreChoice | undefined {
  const { POSTGRES_CONNECTION_SECRET: secretId, DATABASE_URL, DYNAMODB_TABLE, LOCAL_MODE } = values;
  const isLocal = LOCAL_MODE !== undefined;
  if (secretId !== undefined && !isLocal) return { kind: "postgres", secretId };
  if (secretId !== undefined || DATABASE_URL !== undefined) {
    return { kind: "postgres", address: DATABASE_URL ?? LOCAL_DATABASE };
  }
  const table = DYNAMODB_TABLE ?? (isLocal ? LOCAL_TABLE : undefined);
  if (table === undefined) return undefined;
  return { kind: "dynamodb", table, workTable: values.DYNAMODB_WORK_TABLE, creates: isLocal };
}
