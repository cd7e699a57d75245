import { randomUUID } from "node:crypto";
import {
  type PostgresServer,
  type SharedPostgres,
  type StartPostgresOptions,
  sharePostgres,
  startPostgres,
} from "@stackyard/postgres-server";
import pg from "pg";
import { createPostgresStore, type PostgresStore } from "../create-postgres-store.ts";
import type { PostgresStoreOptions } from "../store-options.ts";

/** A database for the tests of one file, and its server. */
export interface TestServer extends SharedPostgres {
  /** Returns a name that no other test uses. */
  readonly newSchema: () => string;
  /** Opens a store, in a new schema by default. */
  readonly open: (options?: Partial<PostgresStoreOptions>) => Promise<PostgresStore>;
  /** Creates a database and returns its address. */
  readonly newDatabase: () => Promise<string>;
  /** Runs statements as the superuser. Returns the rows of the last one. */
  readonly sql: (text: string, url?: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Runs a statement as the superuser in a transaction that stays open. Returns what ends it. */
  readonly hold: (text: string) => Promise<() => Promise<void>>;
}

/** A server of its own. */
export interface OwnServer extends TestServer, Omit<PostgresServer, keyof SharedPostgres> {}

/** Returns one on the server of all tests; stop it when the tests are done. */
export async function startTestServer(): Promise<TestServer> {
  return addTools(await sharePostgres());
}

/** Starts a server for tests that kill or configure it; stop it when the tests are done. */
export async function startOwnServer(options: StartPostgresOptions = {}): Promise<OwnServer> {
  const settings = { max_connections: "200", ...options.settings };
  return addTools(await startPostgres({ durable: false, ...options, settings }));
}

function addTools<Server extends SharedPostgres>(server: Server): Server & TestServer {
  const newName = (kind: string) => `${kind}_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const newSchema = () => newName("s");
  return {
    ...server,
    newSchema,
    open: (storeOptions = {}) => createPostgresStore({ connection: server.url, schema: newSchema(), ...storeOptions }),
    async newDatabase() {
      const name = newName("d");
      await runSql(server.url, `create database ${name}`);
      return server.url.replace(/[^/]+$/, name);
    },
    sql: (text, url = server.url) => runSql(url, text),
    async hold(text) {
      const client = new pg.Client(server.url);
      await client.connect();
      await client.query("begin");
      await client.query(text);
      return () => client.end();
    },
  };
}

async function runSql(url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(text);
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
  } finally {
    await client.end();
  }
}
