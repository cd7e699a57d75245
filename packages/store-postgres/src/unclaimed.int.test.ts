import { aDispatch, aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MINUTE, T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const take = { kinds: ["deadline"], limit: 10, leaseMs: MINUTE } as const;

it.each([
  [24 * 60 * MINUTE, []],
  [10 * MINUTE, ["a1"]],
])(
  "an attempt that no runner claims ends when its time to be claimed is over (%s ms)",
  async (claimWithinMs, ended) => {
    const store = await server.open();
    await store.commit([aPut({}, { dispatches: [aDispatch("a1", { timeoutMs: 10 * MINUTE, claimWithinMs })] })]);

    const early = await store.takeDue({ ...take, now: T0 + 10 * MINUTE - 1 });
    const due = await store.takeDue({ ...take, now: T0 + 10 * MINUTE });

    expect([early, due.flatMap((item) => ("attemptId" in item ? [item.attemptId] : []))]).toEqual([[], ended]);
    await store.close();
  },
);

it("a short one ends in time too, also when its message is sent again", async () => {
  const store = await server.open();
  await store.commit([
    aPut({}, { dispatches: [aDispatch("a1", { timeoutMs: 5_000, claimWithinMs: 5_000, again: true })] }),
  ]);

  expect(await store.takeDue({ ...take, now: T0 + 5_000 })).toMatchObject([{ attemptId: "a1", why: "deadline" }]);
  await store.close();
});
