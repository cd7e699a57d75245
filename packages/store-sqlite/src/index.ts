export { type BackUpInput, backUpSqliteStore, type RestoreInput, restoreSqliteStore } from "./backup.ts";
export { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from "./create-sqlite-store.ts";
