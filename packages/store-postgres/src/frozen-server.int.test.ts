import { createStoreProbe, createUlids, systemClock } from "@stackyard/core/engine";
import { aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Gate, startGate } from "./testing/gate.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
let gate: Gate;
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(() => gate.close());
afterAll(() => server.stop());

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : error);
const reasonOf = (error: unknown) => (error instanceof Error ? `${codeOf(error)}: ${error.message}` : error);
/** The reason names the limit that has ended a call. */
const lateAfter = (limit: string) =>
  `STORE_UNAVAILABLE: PostgreSQL has not answered for ${limit}. Check the server, and locks on its tables.`;
const NOW = Date.UTC(2026, 0, 1);

describe("a server that is frozen", () => {
  it("holds no reader and no sender for longer than the answer may take, and serves them again afterwards", async () => {
    gate = await startGate(server);
    const store = await server.open({ connection: gate.url, answerTimeoutMs: 500, maxConnections: 3 });
    await store.commit([aPut({ id: "a" })]);
    // The engine's writes have the connections, and may take longer.
    gate.freeze();
    const commits = ["b", "c", "d", "e"].map((id) => store.commit([aPut({ id })]).catch(codeOf));

    const answers = await Promise.all(
      [
        store.load(["a"]),
        store.queries.listStacks({}, { limit: 10 }),
        store.queries.listHistory({}, { limit: 10 }),
        store.queries.listAttempts("a"),
        store.queries.stats(),
        store.enqueue([aQueuedEvent("e1")]),
        store.enqueue([aQueuedEvent("e2")]),
        store.records.put({ key: "a", value: 1, expected: "absent", now: NOW }),
      ].map((call) => call.then(() => "answered", reasonOf)),
    );
    gate.thaw();
    await Promise.all(commits);

    expect(new Set(answers)).toEqual(new Set([lateAfter("0.5 s")]));
    await expect.poll(() => store.load(["a"]).then(([loaded]) => loaded?.version, codeOf)).toBe(1);
    await store.close();
  });

  it("is waited for at most 5 s by default", async () => {
    gate = await startGate(server);
    const store = await server.open({ connection: gate.url });
    gate.freeze();

    const answer = await store.queries.listStacks({}, { limit: 1 }).catch(reasonOf);

    expect(answer).toBe(lateAfter("5 s"));
    gate.thaw();
    await store.close();
  });
});

describe("a server that has become read-only", () => {
  it("is not ready, though it answers reads", async () => {
    gate = await startGate(server);
    const url = await server.newDatabase();
    const store = await server.open({ connection: url });
    const probe = createStoreProbe({ store, clock: systemClock, ids: createUlids() });
    await probe.check();
    await server.sql(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`);
    await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'stackyard'");

    await expect.poll(() => store.queries.listStacks({}, { limit: 1 }).then(({ items }) => items, codeOf)).toEqual([]);
    await expect.poll(() => probe.check().then(() => "ready", codeOf)).toBe("STORE_UNAVAILABLE");
    await store.close();
  });
});
