export { type SharedPostgres, sharePostgres } from "./share-postgres.ts";
export { findFreePort, type PostgresServer, type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
