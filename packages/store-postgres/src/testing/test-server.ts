import { randomUUID } from "node:crypto";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { createPostgresStore, type PostgresStore } from "../create-postgres-store.ts";
import type { PostgresStoreOptions } from "../postgres-store-options.ts";

/** A server for the tests of one file. */
export interface TestServer extends PostgresServer {
  /** A name that no other test uses. */
  readonly newSchema: () => string;
  /** Opens a store, in a fresh schema unless told. */
  readonly open: (options?: Partial<PostgresStoreOptions>) => Promise<PostgresStore>;
}

/** Starts it; stop it when the tests are done. */
export async function startTestServer(): Promise<TestServer> {
  const server = await startPostgres({ durable: false, settings: { max_connections: "200" } });
  const newSchema = () => `s_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  return {
    ...server,
    newSchema,
    open: (options = {}) => createPostgresStore({ connection: server.url, schema: newSchema(), ...options }),
  };
}
