import { aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MINUTE, T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const open = async () => {
  const store = await server.open();
  for (const id of ["a", "b", "c"]) {
    await store.commit([aPut({ id }, { dispatches: [aDispatch(id, { stackId: id })] })]);
  }
  const claim = (attemptId: string) =>
    store.claim({ attemptId, owner: "w", leaseMs: MINUTE, exclusiveKeys: ["key:one"], now: T0 });
  return { store, claim };
};

/** A transaction of another process, which is held open. */
async function begin(text: string): Promise<{ readonly pid: number; readonly commit: () => Promise<void> }> {
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query("begin");
  await client.query(text);
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return {
    pid: rows[0]?.pid ?? 0,
    async commit() {
      await client.query("commit");
      await client.end();
    },
  };
}

async function untilOneWaitsFor(pid: number): Promise<void> {
  const isWaiting = `select 1 from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`;
  while ((await server.sql(isWaiting)).length === 0);
}

it.each([
  [
    "cancelled",
    (schema: string) => {
      const cancel = { home: "b", id: "b", why: "requested", within: MINUTE, at_once: true, events: [] };
      return `select ${schema}.cancel_attempt('${JSON.stringify(cancel)}', ${T0})`;
    },
  ],
  ["closed", (schema: string) => `select ${schema}.end_attempt('b', 'b', 'closed', null, ${T0})`],
])("passes a key over the one that is being %s at the same moment", async (_how, toStatement) => {
  const { store, claim } = await open();
  const holder = await claim("a");
  expect(await claim("b")).toMatchObject({ kind: "queued", holder: "a" });
  const ending = await begin(toStatement(store.schema));

  const settling =
    holder.kind === "granted" &&
    store.settle(holder.grant, { outcome: "succeeded", event: aQueuedEvent("result:a", { stackId: "a" }), now: T0 });
  await untilOneWaitsFor(ending.pid);
  await ending.commit();

  expect(await settling).toBe("settled");
  expect(await claim("c")).toMatchObject({ kind: "granted" });
  await store.close();
});
