import { silentLogger } from "@stackyard/core";
import { aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migratePostgresStore } from "./create-postgres-store.ts";
import { MIGRATIONS, type MigrateInput, type Migration, migrate } from "./migrate.ts";
import { T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A step of a later release, which this one does not know. */
const NEXT: Migration = {
  step: 2,
  name: "colours",
  worksFrom: 1,
  sql: `alter table stackyard.stacks add column colour text not null default 'none';
        create table stackyard.colour (name text primary key);`,
};
const later = (step: Partial<Migration> = {}) => [...MIGRATIONS, { ...NEXT, ...step }];

async function run(schema: string, input: Partial<MigrateInput> = {}) {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    return await migrate(client, { schema, mayChange: true, logger: silentLogger, ...input });
  } finally {
    await client.end();
  }
}

const listSteps = async (schema: string) =>
  (await server.sql(`select step, works_from from ${schema}.migration order by step`)).map((row) => Object.values(row));

describe("migrate", () => {
  it("creates a new schema once when several processes start together", async () => {
    const schema = server.newSchema();

    const places = await Promise.all([run(schema), run(schema), run(schema)]);

    expect(places).toEqual(Array(3).fill({ schema, stacksSchema: schema }));
    expect(await listSteps(schema)).toEqual([[1, 1]]);
  });

  it("migrates a store of an earlier release and keeps its data", async () => {
    const schema = server.newSchema();
    const store = await server.open({ schema });
    await store.commit([aPut()]);

    await run(schema, { migrations: later() });

    expect(await listSteps(schema)).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(await server.sql(`select id, colour from ${schema}.stacks`)).toEqual([{ id: "s1", colour: "none" }]);
    await store.close();
  });

  it("lets this release continue to work with a later one whose migration only adds", async () => {
    const schema = server.newSchema();
    const before = await server.open({ schema });
    await before.commit([aPut({}, { dispatches: [aDispatch("a1")] })]);

    await run(schema, { migrations: later() });

    // One that was open and one that is opened now.
    expect(await before.commit([aPut({ state: "B" }, { expectedVersion: 1 })])).toEqual([
      { kind: "committed", version: 2 },
    ]);
    const after = await server.open({ schema });
    const claim = { attemptId: "a1", owner: "w", leaseMs: 1_000, exclusiveKeys: ["key:a"], now: T0 };
    expect((await after.claim(claim)).kind).toBe("granted");
    expect((await after.load(["s1"]))[0]?.stack?.state).toBe("B");
    await before.close();
    await after.close();
  });

  it("refuses a store whose newest step does not work with this release, and says what is needed", async () => {
    const schema = server.newSchema();
    await run(schema, { migrations: later({ worksFrom: 2 }) });

    await expect(server.open({ schema })).rejects.toMatchObject({
      code: "STORE_TOO_NEW",
      message: expect.stringContaining(
        "step 2 (colours), which works with releases that know step 2; this one knows 1",
      ),
      details: { found: 2, needed: 2, newest: 1 },
    });
  });

  it("leaves nothing of steps behind of which one fails", async () => {
    const schema = server.newSchema();

    await expect(run(schema, { migrations: later({ sql: "create table stackyard.a (); nonsense" }) })).rejects.toThrow(
      "syntax",
    );

    expect(await server.sql(`select to_regnamespace('${schema}') as found`)).toEqual([{ found: null }]);
  });

  it("changes nothing where it may not, and names what is missing", async () => {
    const schema = server.newSchema();

    await expect(server.open({ schema, migrate: false })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("lacks step 1 (tables). Run `stackyard migrate` (or `migratePostgresStore`)"),
    });
    await migratePostgresStore({ connection: server.url, schema });
    const store = await server.open({ schema, migrate: false });

    expect((await store.queries.stats()).stacks).toBe(0);
    await store.close();
  });

  it("refuses a database in another encoding", async () => {
    await server.sql("create database latin encoding 'LATIN1' template template0 locale 'C'");

    const connection = server.url.replace(/[^/]+$/, "latin");
    await expect(server.open({ connection })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("UTF8; this one is in LATIN1"),
    });
  });
});

describe("roles", () => {
  it("of which one migrates and another works with the rights that the README lists", async () => {
    const schema = server.newSchema();
    await migratePostgresStore({ connection: server.url, schema });
    await server.sql(`
      create role runner login password 'runner';
      grant usage on schema ${schema} to runner;
      grant select, insert, update, delete on all tables in schema ${schema} to runner;
      grant select, usage on all sequences in schema ${schema} to runner`);
    const connection = server.url.replace("postgres:postgres@", "runner:runner@");

    const store = await server.open({ connection, schema });

    await store.enqueue([aQueuedEvent("e1")]);
    await store.takeDue({ kinds: ["event", "task", "timer"], now: T0, limit: 1, leaseMs: 1 });
    await store.commit([aPut({}, { appliedIds: ["e1"], dispatches: [aDispatch("a1")] })]);
    const claim = await store.claim({ attemptId: "a1", owner: "w", leaseMs: 1, exclusiveKeys: ["key:a"], now: T0 });
    if (claim.kind === "granted") {
      const event = aQueuedEvent("result");
      expect(await store.settle(claim.grant, { outcome: "succeeded", event, now: T0 })).toBe("settled");
    }
    await store.records.put({ key: "a", value: 1, expected: "absent", now: T0 });
    expect((await store.queries.listHistory({}, { limit: 1 })).items).toEqual([]);
    await store.prune({ historyMs: 1, eventIdMs: 1, eventIdCount: 1, deadLetterMs: 1, settledAttemptMs: 1 }, T0);
    await store.close();
    await expect(server.open({ connection, schema: server.newSchema() })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("CREATE on the database"),
    });
  });
});
