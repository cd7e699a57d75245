export { type BackUpInput, backUpSqliteStore } from "./back-up-sqlite-store.ts";
export { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from "./create-sqlite-store.ts";
export { type RestoreInput, restoreSqliteStore } from "./restore-sqlite-store.ts";
