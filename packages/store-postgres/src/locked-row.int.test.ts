import { setTimeout as sleep } from "node:timers/promises";
import { createStoreProbe, createUlids, systemClock } from "@stackyard/core/engine";
import { aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

// riverqueue/river#1059, collectiveidea/delayed_job#1035: a forgotten transaction holds a row.
describe("a row that another session holds", () => {
  it("fails the commit of its stack after a second, and names the session; others are written", async () => {
    const schema = server.newSchema();
    const store = await server.open({ schema });
    const put = (id: string, expectedVersion: number) => aPut({ id }, { expectedVersion });
    await store.commit([put("held", 0), put("free", 0)]);
    const release = await server.hold(`select 1 from ${schema}.stacks where id = 'held' for update`);
    const startedAt = performance.now();

    const together = await store.commit([put("held", 1), put("free", 1)]).catch((error: unknown) => error);
    const tookMs = performance.now() - startedAt;
    const alone = await store.commit([put("free", 1)]);
    const holders = await store.listLockHolders?.();
    await release();
    const later = await store.commit([put("held", 1)]);
    const none = await store.listLockHolders?.();
    await store.close();

    expect(together).toMatchObject({
      code: "STACK_LOCKED",
      retryable: true,
      message: expect.stringContaining("session "),
    });
    expect([holders, none]).toEqual([[expect.stringMatching(/^the session \d+ \(.*idle in transaction/)], []]);
    expect(tookMs).toBeLessThan(10_000);
    expect([...alone, ...later].map(({ kind }) => kind)).toEqual(["committed", "committed"]);
  });

  it("is named by readiness and by doctor's check, also to a role that may not see other sessions", async () => {
    const schema = server.newSchema();
    const owner = await server.open({ schema });
    await owner.commit([aPut({ id: "held" }, { expectedVersion: 0 })]);
    const role = `r_${schema}`;
    await server.sql(`create role ${role} login password 'x'; grant usage on schema ${schema} to ${role};
      grant select, insert, update, delete on all tables in schema ${schema} to ${role};
      grant usage on all sequences in schema ${schema} to ${role}`);
    const url = new URL(server.url);
    url.username = role;
    url.password = "x";
    const store = await server.open({ schema, connection: url.href, migrate: false });
    const release = await server.hold(`select 1 from ${schema}.stacks where id = 'held' for update`);
    await sleep(1_200);

    const probe = createStoreProbe({ store, clock: systemClock, ids: createUlids() });
    const answer = await probe.check();
    await release();
    await store.close();
    await owner.close();
    await server.sql(`drop owned by ${role}; drop role ${role}`);

    expect(answer).toEqual({ blockedBy: [expect.stringMatching(/^the session \d+ \(/)] });
  });
});
