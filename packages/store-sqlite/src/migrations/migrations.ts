import { TABLES } from "./0001-tables.ts";
import { SECRETS } from "./0002-secrets.ts";

/** One step of the schema: from `version - 1` to `version`. Never changed once it was released. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** All steps in order. The version of a store is SQLite's `user_version`. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: TABLES },
  { version: 2, sql: SECRETS },
];
