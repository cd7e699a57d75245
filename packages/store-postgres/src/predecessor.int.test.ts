import { readFileSync } from "node:fs";
import { join } from "node:path";
import { aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migratePostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

const fixture = readFileSync(join(import.meta.dirname, "fixtures/predecessor.sql"), "utf8");
const page = { limit: 100 };

let server: TestServer;
let url: string;
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  url = await server.newDatabase();
  await server.sql(fixture, url);
});
afterAll(() => server.stop());

const open = () => server.open({ connection: url, schema: "stackyard" });

/** As the predecessor saves a stack. */
function save(id: string, state: string, more: object = {}, connection = url): Promise<unknown> {
  const data = JSON.stringify({
    id,
    machine: "qa",
    _state: state,
    previousState: "RUN",
    tasks: [],
    metadata: {},
    ...more,
  });
  return server.sql(
    `insert into stacks (id, data, creation_time, last_updated_time) values ('${id}', '${data}', now(), now())
     on conflict (id) do update set data = excluded.data, last_updated_time = excluded.last_updated_time`,
    connection,
  );
}

describe("a database of the predecessor", () => {
  it("is read without a migration: state, tasks, metadata with their types, times", async () => {
    const store = await open();

    const [master, pending] = await store.load(["master", "pr-101"]);

    expect(master).toEqual({
      stackId: "master",
      version: 1,
      parked: [],
      stack: {
        id: "master",
        machine: "qa",
        machineHash: "",
        state: "RUN",
        previousState: "PROVISION",
        tasks: [],
        metadata: { branch: "master", replicas: 2, public: true, note: null },
        createdAt: Date.UTC(2021, 2, 1, 10),
        updatedAt: Date.UTC(2021, 9, 4, 8, 30),
        enteredAt: Date.UTC(2021, 9, 4, 8, 30),
        incarnation: "0",
        entry: 0,
        attempts: {},
        runs: [],
        timers: [],
        automaticEntries: [],
      },
    });
    expect(pending?.stack?.tasks).toEqual([
      { name: "vpc", status: "SATISFIED" },
      { name: "database", status: "PENDING" },
    ]);
    await store.close();
  });

  it("finds its stacks by machine, state and condition, and counts them", async () => {
    const store = await open();
    const ids = async (filter: object) =>
      (await store.queries.listStacks(filter, page)).items.map(({ stack }) => stack.id);

    expect(await ids({})).toEqual(["master", "pr-101", "pr-102"]);
    expect(await ids({ machine: "qa", state: "PROVISION" })).toEqual(["pr-101", "pr-102"]);
    expect(await ids({ condition: "busy" })).toEqual(["pr-101"]);
    expect(await ids({ condition: "failed" })).toEqual(["pr-102"]);
    expect((await store.queries.stats()).states).toEqual([
      { machine: "qa", state: "PROVISION", count: 2 },
      { machine: "qa", state: "RUN", count: 1 },
    ]);
    await store.close();
  });

  it("lists rows that hold no stack with the reason, and refuses to load them", async () => {
    const store = await open();

    expect(await store.listUnreadable()).toEqual([
      { stackId: "Broken-json", reason: "It is not JSON." },
      { stackId: "no-state", reason: expect.stringContaining("_state") },
      { stackId: "other-id", reason: 'The record names another stack, "another".' },
    ]);
    await expect(store.load(["master", "no-state"])).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringMatching(/"no-state".*_state/),
    });
    await store.close();
  });

  it("keeps the record where its readers look, with ids of up to 255 characters", async () => {
    const store = await open();
    const long = "x".repeat(255);

    await store.commit([
      aPut({ id: "master", state: "DESTROY", metadata: { a: 1 } }, { expectedVersion: 1 }),
      aPut({ id: long }),
    ]);

    const rows = await server.sql(
      "select id, data, version from public.stacks where id in ('master', repeat('x', 255)) order by id",
      url,
    );
    expect(rows.map(({ id, version }) => [id, version])).toEqual([
      ["master", "2"],
      [long, "1"],
    ]);
    expect(JSON.parse(String(rows[0]?.["data"]))).toMatchObject({
      id: "master",
      machine: "web",
      _state: "DESTROY",
      previousState: "INIT",
      tasks: [],
      metadata: { a: 1 },
    });
    await store.close();
  });

  it("is not written anew when it is taken over, and leaves room for updates from then on", async () => {
    const look =
      "select stacks.ctid, id, reloptions from public.stacks, pg_class where oid = 'public.stacks'::regclass order by id";
    const before = await server.sql(look, url);

    await migratePostgresStore({ connection: url });

    expect(await server.sql(look, url)).toEqual(before.map((row) => ({ ...row, reloptions: ["fillfactor=70"] })));
  });

  it("is taken over once: a second store of the same database has stacks of its own", async () => {
    const first = await open();
    const second = await server.open({ connection: url, schema: "second" });

    expect((await second.queries.stats()).stacks).toBe(0);
    expect((await first.queries.stats()).stacks).toBe(3);
    await first.close();
    await second.close();
  });

  it("leaves another program's table of that name alone", async () => {
    const other = await server.newDatabase();
    await server.sql("create table public.stacks (id int, name text)", other);

    const store = await server.open({ connection: other });
    await store.commit([aPut()]);

    expect(await server.sql("select * from public.stacks", other)).toEqual([]);
    await store.close();
  });
});

describe("the predecessor's programs next to this version", () => {
  it("raise the version with each write: a decision on an older row is a conflict", async () => {
    const store = await open();
    const [before] = await store.load(["master"]);

    await save("master", "STOPPED");

    const change = aPut({ id: "master" }, { expectedVersion: before?.version ?? 0 });
    expect(await store.commit([change])).toEqual([{ kind: "conflict" }]);
    const [after] = await store.load(["master"]);
    expect([after?.version, after?.stack?.state]).toEqual([2, "STOPPED"]);
    expect((await store.queries.listStacks({ state: "STOPPED" }, page)).items).toHaveLength(1);
    await store.close();
  });

  it("may write over a record of ours, and no attempt's id is used again", async () => {
    const store = await open();
    await store.commit([aPut({ id: "master", entry: 7, incarnation: "e1" }, { expectedVersion: 1 })]);

    await save("master", "STOPPED", { incarnation: "e1", runs: [], entry: 7 });

    const [after] = await store.load(["master"]);
    expect(after?.stack).toMatchObject({ state: "STOPPED", incarnation: "0", runs: [] });
    expect(after?.stack?.entry).toBeGreaterThan(7);
    await store.close();
  });

  it("need no rights but those on their table", async () => {
    const store = await open();
    await server.sql(
      "create role cloudseam login password 'cloudseam'; grant select, insert, update, delete on public.stacks to cloudseam",
      url,
    );
    const own = url.replace("postgres:postgres@", "cloudseam:cloudseam@");

    await save("new", "RUN", {}, own);
    await save("new", "STOPPED", {}, own);
    await server.sql("delete from stacks where id = 'master'", own);

    const loaded = await store.load(["new", "master"]);
    expect(loaded.map(({ version, stack }) => [version, stack?.state])).toEqual([
      [2, "STOPPED"],
      [0, undefined],
    ]);
    await store.close();
  });

  it("can create and remove stacks, whose versions continue", async () => {
    const store = await open();
    await save("new", "RUN");
    expect((await store.load(["new"]))[0]).toMatchObject({ version: 1, stack: { state: "RUN" } });
    await server.sql("delete from stacks where id in ('new', 'master')", url);
    expect((await store.load(["new", "master"])).map(({ version }) => version)).toEqual([0, 0]);

    await save("new", "RUN");
    const [made] = await store.commit([aPut({ id: "master" })]);

    expect((await store.load(["new"]))[0]?.version).toBe(2);
    expect(made).toEqual({ kind: "committed", version: 2 });
    await store.close();
  });
});
