import { afterAll, beforeAll, expect, it } from "vitest";
import { anEvent, MINUTE, T0 } from "./testing/store-values.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it("is when the first event of a stack comes back, however many stand behind it", async () => {
  const store = await server.open();
  await store.enqueue(["e1", "e2", "e3"].map((id) => anEvent(id)));
  const take = () => store.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: MINUTE });
  const receipts = (await take()).flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  const whileOut = await store.nextDueAt(["event"]);

  await store.release(receipts, T0 + 2 * MINUTE);

  expect([whileOut, await store.nextDueAt(["event"])]).toEqual([T0 + MINUTE, T0 + 2 * MINUTE]);
  await store.close();
});
