import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { migratePostgresStore, type PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** After a kill of the process there is what the server has; its connections end. */
async function createDurableStore(): Promise<DurableStore> {
  const schema = server.newSchema();
  const opened: PostgresStore[] = [];
  return {
    async open() {
      const store = await server.open({ schema });
      opened.push(store);
      return store;
    },
    async crash() {
      await opened.at(-1)?.close();
    },
  };
}

/** Removes all rows: a schema for each case takes longer than most cases. */
const EMPTY = `do $$ declare t record; begin
  for t in select schemaname, tablename from pg_tables
            where schemaname in ('public', 'stackyard') and tablename <> 'migration' order by schemaname loop
    execute format('delete from %I.%I', t.schemaname, t.tablename);
  end loop;
end $$`;

describe.each([
  { place: "tables of its own", prepare: "" },
  {
    place: "the predecessor's table",
    prepare: readFileSync(join(import.meta.dirname, "fixtures/predecessor.sql"), "utf8"),
  },
])("the PostgreSQL store in $place", ({ prepare }) => {
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

  for (const { name, run } of storeConformance)
    it(name, () => run(() => server.open({ connection, schema: "stackyard" })));
});

describe("the PostgreSQL store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});
