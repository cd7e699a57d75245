export { createPostgresStore, migratePostgresStore, type PostgresStore } from "./create-postgres-store.ts";
export { createStore } from "./create-store.ts";
export type { ConnectionSecret } from "./parse-connection.ts";
export type {
  PostgresConnection,
  PostgresStoreOptions,
  PostgresTls,
  UnreadableStack,
} from "./postgres-store-options.ts";
