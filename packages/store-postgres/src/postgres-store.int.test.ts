import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { migratePostgresStore, type PostgresStore } from "./create-postgres-store.ts";
import { type LentStore, lendStore } from "./testing/lend-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** Removes all rows: a schema for each case takes longer than most cases. */
const EMPTY = `do $$ declare t record; begin
  for t in select schemaname, tablename from pg_tables
            where schemaname in ('public', 'stackyard') and tablename <> 'migration' order by schemaname loop
    execute format('delete from %I.%I', t.schemaname, t.tablename);
  end loop;
end $$`;

/** Creates a database with the store's schema, which is empty before each case. Returns its address. */
function prepareDatabase(prepare: string): () => string {
  let connection: string;
  let client: pg.Client;
  beforeAll(async () => {
    connection = await server.newDatabase();
    await server.sql(prepare, connection);
    await migratePostgresStore({ connection });
    client = new pg.Client(connection);
    await client.connect();
  });
  afterAll(() => client.end());
  beforeEach(async () => {
    await client.query(EMPTY);
  });
  return () => connection;
}

/** It closes its store, so it has one of its own. */
const CLOSING_CASE = "fails with STORE_CLOSED after it was closed";

describe.each([
  { place: "tables of its own", options: { tags: "promise" }, prepare: "" },
  {
    place: "the predecessor's table",
    options: {},
    prepare: readFileSync(join(import.meta.dirname, "fixtures/predecessor.sql"), "utf8"),
  },
])("the PostgreSQL store in $place", ({ prepare, options }) => {
  const connection = prepareDatabase(prepare);
  const open = () => server.open({ connection: connection(), schema: "stackyard" });
  let lent: LentStore;
  beforeAll(async () => {
    lent = lendStore(await open());
  });
  afterAll(() => lent.close());

  for (const { name, run } of storeConformance)
    it(name, options, () => run(name === CLOSING_CASE ? open : lent.borrow));
});

describe("the PostgreSQL store after a crash", () => {
  const connection = prepareDatabase("");

  /** After a kill of the process there is what the server has; its connections end. */
  async function createDurableStore(): Promise<DurableStore> {
    const opened: PostgresStore[] = [];
    return {
      async open() {
        const store = await server.open({ connection: connection(), schema: "stackyard" });
        opened.push(store);
        return store;
      },
      async crash() {
        await opened.at(-1)?.close();
      },
    };
  }

  for (const { name, run } of durableStoreConformance) it(name, { tags: "promise" }, () => run(createDurableStore));
});
