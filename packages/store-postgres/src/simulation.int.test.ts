import { runSeed } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it.each([1, 2, 3, 4, 5, 6])("holds what the simulator holds it to (seed %i)", async (seed) => {
  const store = await server.open();

  const { violations, steps } = await runSeed(seed, { createStore: () => store });
  await store.close();

  expect(violations).toEqual([]);
  expect(steps).toBeGreaterThan(20);
});
