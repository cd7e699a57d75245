export { createPostgresStore, createStore, migratePostgresStore, type PostgresStore } from "./create-postgres-store.ts";
export {
  type ConnectionSecret,
  type PostgresConnection,
  PostgresStoreOptions,
  type PostgresTls,
  type UnreadableStack,
} from "./store-options.ts";
