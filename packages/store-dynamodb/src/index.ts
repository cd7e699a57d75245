export { createDynamodbStore, createStore, type DynamodbStore, DynamodbStoreOptions } from "./create-store.ts";
export {
  createDynamodbRecords,
  type DynamodbRecordsOptions,
  type OpenDynamodbRecordsOptions,
  openDynamodbRecords,
} from "./records.ts";
export {
  checkTables,
  type TableCheck,
  type TableDefinition,
  type TableFinding,
  type TableNames,
  toStacksTable,
  toWorkTable,
} from "./tables.ts";
