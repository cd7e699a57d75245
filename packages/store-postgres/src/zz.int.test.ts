import { runSeed } from "@stackyard/core/testing";
import { it } from "vitest";
import { startTestServer } from "./testing/test-server.ts";
it("x", async () => {
  const server = await startTestServer();
  for (let seed = 1000; seed < 1060; seed += 1) {
    const store = await server.open();
    const { violations, steps } = await runSeed(seed, { createStore: () => store });
    await store.close();
    if (violations.length) console.log(seed, steps, JSON.stringify(violations));
  }
  await server.stop();
}, 900_000);
