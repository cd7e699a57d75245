import { aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe("a store that is closed", () => {
  it("answers earlier calls and rejects later ones", async () => {
    const schema = server.newSchema();
    const store = await server.open({ schema, maxGroup: 1 });
    const commits = ["a", "b", "c", "d", "e"].map((id) => store.commit([aPut({ id })]));
    const enqueue = store.enqueue([aQueuedEvent("e1")]);

    const closing = store.close();
    const late = store.commit([aPut({ id: "late" })]);

    await expect(late).rejects.toMatchObject({ code: "STORE_CLOSED" });
    expect((await Promise.all(commits)).flat().map(({ kind }) => kind)).toEqual(Array(5).fill("committed"));
    await enqueue;
    await closing;
    await store.close();
    const again = await server.open({ schema });
    const { stacks, queuedEvents } = await again.queries.stats();
    expect([stacks, queuedEvents]).toEqual([5, 1]);
    await again.close();
  });

  it("leaves no connection behind", async () => {
    const store = await server.open({ applicationName: "closed-test" });
    const stop = store.watch(() => undefined);
    await Promise.all([store.queries.stats(), store.load(["a"]), store.enqueue([aQueuedEvent("e1")])]);

    stop();
    await store.close();

    const count = "select count(*)::int as count from pg_stat_activity where application_name = 'closed-test'";
    await expect.poll(() => server.sql(count)).toEqual([{ count: 0 }]);
  });
});
