import { aChange, aPut, aQueuedEvent, aStoredStack } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MINUTE, T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it("is the time when the first event of a stack returns, however many wait behind it", async () => {
  const store = await server.open();
  await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
  const take = () => store.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: MINUTE });
  const receipts = (await take()).flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  const whileOut = await store.nextDueAt(["event"]);

  await store.release(receipts, T0 + 2 * MINUTE);

  expect([whileOut, await store.nextDueAt(["event"])]).toEqual([T0 + MINUTE, T0 + 2 * MINUTE]);
  await store.close();
});

it("hands a stack out with the first of its events, and none for which an event is parked", async () => {
  const store = await server.open();
  const parked = { event: aQueuedEvent("p1"), code: "C", reason: "r", parkedAt: T0, tries: 1, nextTryAt: T0 + MINUTE };
  const [put] = await store.commit([aPut({ id: "there" }), aPut({ id: "waits" })]);
  const version = put?.kind === "committed" ? put.version : 0;
  const park = [{ ...parked, event: aQueuedEvent("p1", { stackId: "waits" }) }];
  await store.commit([aChange({ stackId: "waits", expectedVersion: version, park })]);
  const stackIds = ["there", "there", "new", "waits"];
  await store.enqueue(stackIds.map((stackId, place) => aQueuedEvent(`e${place}`, { stackId })));

  const items = await store.takeDue({ kinds: ["event"], now: T0, limit: 9, leaseMs: MINUTE });

  expect(items.map((item) => (item.kind === "event" ? [item.event.stackId, item.loaded] : item))).toEqual([
    ["there", { stackId: "there", version, stack: aStoredStack({ id: "there" }), parked: [] }],
    ["there", undefined],
    ["new", { stackId: "new", version: 0, parked: [] }],
    ["waits", undefined],
  ]);
  await store.close();
});
