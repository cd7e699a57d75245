import { afterAll, beforeAll, expect, it } from "vitest";
import { aDispatch, aPut, MINUTE, T0 } from "./testing/store-values.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const take = { kinds: ["deadline"], limit: 10, leaseMs: MINUTE } as const;

it.each([
  [true, []],
  [false, ["a1"]],
])(
  "an attempt that nobody claims ends at its time-out where a runner may have no store (all have it: %s)",
  async (runnersHaveStore, ended) => {
    const store = await server.open({ runnersHaveStore });
    await store.commit([aPut({}, { dispatches: [aDispatch("a1", { timeoutMs: 10 * MINUTE })] })]);

    const early = await store.takeDue({ ...take, now: T0 + 10 * MINUTE - 1 });
    const due = await store.takeDue({ ...take, now: T0 + 10 * MINUTE });

    expect([early, due.flatMap((item) => ("attemptId" in item ? [item.attemptId] : []))]).toEqual([[], ended]);
    await store.close();
  },
);

it("a short one ends in time too, also when its message is sent again", async () => {
  const store = await server.open({ runnersHaveStore: false });
  await store.commit([aPut({}, { dispatches: [aDispatch("a1", { timeoutMs: 5_000, again: true })] })]);

  expect(await store.takeDue({ ...take, now: T0 + 5_000 })).toMatchObject([{ attemptId: "a1", why: "deadline" }]);
  await store.close();
});
