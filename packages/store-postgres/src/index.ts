export { createPostgresStore, createStore, migratePostgresStore, type PostgresStore } from "./create-postgres-store.ts";
export type {
  ConnectionSecret,
  PostgresConnection,
  PostgresStoreOptions,
  PostgresTls,
  UnreadableStack,
} from "./store-options.ts";
