import { setTimeout as sleep } from "node:timers/promises";
import { aHistoryEntry, aPut } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import type { PostgresStoreOptions } from "./store-options.ts";
import { HAS_PGBOUNCER, type Pooler, type PoolerSettings, startPooler } from "./testing/start-pooler.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => server.stop());

async function start(settings: PoolerSettings = {}): Promise<Pooler> {
  const pooler = await startPooler(server, settings);
  closers.push(() => pooler.stop());
  return pooler;
}

async function open({ url }: Pooler, options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const store = await server.open({ connection: url, ...options });
  closers.push(() => store.close());
  return store;
}

/** Other processes are notified of a change with history. */
async function write(store: PostgresStore): Promise<string> {
  const id = crypto.randomUUID();
  const history = [aHistoryEntry(id, { stackId: id })];
  return store.commit([{ ...aPut({ id }), history }]).then(() => "ok", String);
}

/** Returns whether a change that another store makes is announced, not only found by a poll. */
async function isTold(store: PostgresStore, other: PostgresStore): Promise<boolean> {
  let told = 0;
  const stop = store.watch(() => {
    told += 1;
  });
  // The store also notifies when it has begun to listen.
  await sleep(500);
  told = 0;
  await write(other);
  for (let tries = 0; tries < 40 && told === 0; tries += 1) await sleep(50);
  stop();
  return told > 0;
}

describe.skipIf(!HAS_PGBOUNCER)("behind PgBouncer (skipped where /usr/sbin/pgbouncer is missing)", () => {
  it("works in the mode session, with its settings [pgbouncer#525, pgbouncer#381, node-postgres#2103]", async () => {
    const store = await open(await start(), { statementTimeoutMs: 54_321 });

    expect(await store.commit([aPut({ id: "a" })])).toMatchObject([{ kind: "committed" }]);
    expect((await store.load(["a"]))[0]?.stack?.id).toBe("a");
  });

  it("reports a mode that is changed while it works, until it is changed back [pgbouncer#875]", async () => {
    const pooler = await start();
    const store = await open(pooler);
    closers.push(store.watch(() => undefined));

    await pooler.change({ pool_mode: "transaction" });
    await expect.poll(() => write(store), { timeout: 40_000, interval: 500 }).toContain("pool_mode = session");
    await pooler.change({ pool_mode: "session" });
    await expect.poll(() => write(store), { timeout: 40_000, interval: 500 }).toBe("ok");
  });

  it.each(["transaction", "statement"])(
    "is refused in the mode %s, with what to do [pgbouncer#875, porsager/postgres#547, pgbouncer#1067, keycloak#49991, pgbus#236]",
    async (pool_mode) => {
      await expect(open(await start({ pool_mode }))).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("pool_mode = session"),
      });
    },
  );

  it("leaves no lock on a shared session where it is refused [authentik#23876, hindsight#726, atlas#2447]", async () => {
    const pooler = await start({ pool_mode: "transaction" });
    await expect(open(pooler)).rejects.toMatchObject({ code: "CONFIG_INVALID" });

    const locks = await server.sql("select 1 from pg_locks where locktype = 'advisory'");

    expect(locks).toEqual([]);
  });

  it("needs no setting that PgBouncer ignores [pgbouncer#493, pgbouncer#89, pgbouncer#1176, authentik#19939]", async () => {
    const pooler = await start({
      ignore_startup_parameters: "options,statement_timeout,search_path,extra_float_digits",
    });
    const store = await open(pooler, { schema: "ignoring", statementTimeoutMs: 300 });
    expect(await write(store)).toBe("ok");

    const release = await server.hold("lock table ignoring.stacks");

    expect(await write(store)).toContain("statementTimeoutMs");
    await release();
  });

  it("leaves no setting on a session that another client gets [hatchet#3898, pgbouncer#1567]", async () => {
    const pooler = await start({ default_pool_size: 6 });
    const store = await server.open({ connection: pooler.url, maxConnections: 3, statementTimeoutMs: 4_321 });
    await Promise.all([1, 2, 3, 4].map(() => write(store)));
    await store.close();

    const rows = await server.sql("show statement_timeout", pooler.url);

    expect(rows).toEqual([{ statement_timeout: "0" }]);
  });

  it("continues, and is notified of changes, after PgBouncer was restarted [graphile#541, hatchet#2772, osparc#2228]", async () => {
    const pooler = await start();
    const [store, other] = [await open(pooler, { schema: "again" }), await open(pooler, { schema: "again" })];
    await expect.poll(() => isTold(store, other)).toBe(true);

    await pooler.kill();
    expect(await write(store)).not.toBe("ok");
    await pooler.start();

    await expect.poll(() => write(store), { timeout: 20_000 }).toBe("ok");
    await expect.poll(() => isTold(store, other), { timeout: 20_000 }).toBe(true);
  });

  it("outlasts connections that PgBouncer closes when they are idle [graphile#337, pgbouncer#587, pgbouncer#184]", async () => {
    const pooler = await start({ client_idle_timeout: 1, server_idle_timeout: 1, server_lifetime: 1 });
    const [store, other] = [await open(pooler, { schema: "idle" }), await open(pooler, { schema: "idle" })];

    for (let n = 0; n < 3; n += 1) {
      await sleep(2_500);
      await expect.poll(() => write(store)).toBe("ok");
    }
    await expect.poll(() => isTold(store, other), { timeout: 20_000 }).toBe(true);
  });

  it("says what is missing when PgBouncer has no session left [pgbouncer#384, pgbouncer#748, autobase#89]", async () => {
    const pooler = await start({ default_pool_size: 1, query_wait_timeout: 2 });

    await expect(open(pooler)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("default_pool_size"),
    });
  });

  it("continues after all connections were killed and allowed again [pgbouncer#310, pgbouncer#357]", async () => {
    const pooler = await start();
    const store = await open(pooler);
    expect(await write(store)).toBe("ok");

    const [{ database } = { database: "" }] = await server.sql("select current_database() as database");
    await pooler.command(`KILL ${database}`);
    await pooler.command(`RESUME ${database}`);

    await expect.poll(() => write(store), { timeout: 20_000 }).toBe("ok");
  });

  it("continues after sessions that were ended on the server [node-postgres#2005, node-postgres#2112]", async () => {
    const store = await open(await start(), { applicationName: "pooled" });
    expect(await write(store)).toBe("ok");

    await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pooled'");

    await expect.poll(() => write(store), { timeout: 20_000 }).toBe("ok");
  });

  it("names the limit when PgBouncer takes no more clients [pgbouncer#641]", async () => {
    const pooler = await start({ max_client_conn: 1 });

    await expect(open(pooler)).rejects.toMatchObject({ message: expect.stringContaining("max_client_conn") });
  });
});
