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
    await release();
    const later = await store.commit([put("held", 1)]);
    await store.close();

    expect(together).toMatchObject({
      code: "STACK_LOCKED",
      retryable: true,
      message: expect.stringContaining("session "),
    });
    expect(tookMs).toBeLessThan(10_000);
    expect([...alone, ...later].map(({ kind }) => kind)).toEqual(["committed", "committed"]);
  });
});
