export { type SharedPostgres, sharePostgres } from "./share-postgres.ts";
export { type PostgresServer, type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
