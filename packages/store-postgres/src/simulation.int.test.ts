import { runSeed } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const SEEDS = process.env["LONG_TESTS"] ? 50 : 1;

it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
  "holds what the simulator holds it to (seed %i)",
  async (seed) => {
    const store = await server.open();

    const { violations, steps } = await runSeed(seed, { createStore: () => store });
    await store.close();

    expect(violations).toEqual([]);
    expect(steps).toBeGreaterThan(20);
  },
);
