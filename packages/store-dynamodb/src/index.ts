export { checkTables, type TableCheck, type TableFinding } from "./check-tables.ts";
export { createDynamodbRecords, type DynamodbRecordsOptions } from "./create-dynamodb-records.ts";
export { createDynamodbStore, type DynamodbStore } from "./create-dynamodb-store.ts";
export { createStore, type ProjectContext } from "./create-store.ts";
export type { DynamodbStoreOptions } from "./dynamodb-store-options.ts";
export { type TableNames, toStacksTable, toWorkTable } from "./table-definitions.ts";
