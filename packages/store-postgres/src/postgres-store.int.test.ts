import { type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** After a kill of the process there is what the server has; its connections end. */
async function createDurableStore(): Promise<DurableStore> {
  const schema = server.newSchema();
  const opened: PostgresStore[] = [];
  return {
    async open() {
      const store = await server.open({ schema });
      opened.push(store);
      return store;
    },
    async crash() {
      await opened.at(-1)?.close();
    },
  };
}

describe("the PostgreSQL store", () => {
  for (const { name, run } of storeConformance) it(name, () => run(() => server.open()));
});

describe("the PostgreSQL store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});
