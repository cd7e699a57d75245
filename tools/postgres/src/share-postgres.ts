import { randomUUID } from "node:crypto";
import pg from "pg";
import { type PostgresServer, startPostgres } from "./start-postgres.ts";

/** A database of its own on a server that is shared. */
export interface SharedPostgres extends Pick<PostgresServer, "url" | "port"> {
  /** Removes the database. The server ends with this process. */
  readonly stop: () => Promise<void>;
}

let server: Promise<PostgresServer> | undefined;

/**
 * Returns an empty database for the tests of one file, on a server that all files of this process share and whose writes are
 * not flushed: a server for each would take a second of each. Roles are those of all databases.
 */
export async function sharePostgres(): Promise<SharedPostgres> {
  // Connections of functions and pools that are not closed end late.
  server ??= startPostgres({ durable: false, settings: { max_connections: "300" } });
  const { url, port } = await server;
  const name = `shared_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await run(url, `create database ${name}`);
  return {
    url: url.replace(/postgres$/, name),
    port,
    stop: () => run(url, `drop database ${name} with (force)`),
  };
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
