import { isStackyardError, StackyardError } from "@stackyard/core";
import type pg from "pg";

const TRIES = 3;

/**
 * Throws `CONFIG_INVALID` where a pooler gives a connection another session for each transaction. Prepared statements,
 * settings and `LISTEN` would be lost, and results with them. An idle session that a pooler keeps for its client cannot
 * serve another client.
 */
export async function assertKeepsSessions(client: pg.ClientBase, connect: () => Promise<pg.Client>): Promise<void> {
  const other = await connect();
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const own = await findSession(client);
      await other.query("begin").catch(refuseStatements);
      const theirs = await findSession(other);
      await other.query("rollback");
      if (own === theirs) throw sharesSessions();
    }
  } finally {
    await other.end();
  }
}

/**
 * Checks a connection that has worked: a pooler may be given another mode while the store is open. Returns the error of
 * `assertKeepsSessions`, or undefined. Without a pooler, that is one statement.
 */
export async function findLostSessions(
  client: pg.Client,
  connect: () => Promise<pg.Client>,
): Promise<StackyardError | undefined> {
  const session = await findSession(client);
  // The server announces the number of the session to its client, and a pooler one of its own.
  if (session === undefined || session === Reflect.get(client, "processID")) return undefined;
  try {
    await assertKeepsSessions(client, connect);
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return error;
    throw error;
  }
  return undefined;
}

async function findSession(client: pg.ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid;
}

/** PgBouncer's mode `statement` allows no transaction at all. */
function refuseStatements(error: unknown): never {
  throw error instanceof Error && /statement pooling/.test(error.message) ? sharesSessions() : error;
}

function sharesSessions(): StackyardError {
  const message =
    "The connection pooler does not keep the session of a connection, which the store needs. Set pool_mode = session (PgBouncer), or connect to the server directly.";
  return new StackyardError("CONFIG_INVALID", message);
}
