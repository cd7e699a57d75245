import { type DurableStore, playStoreModel, type StoreMove } from "@stackyard/core/testing";
import fc from "fast-check";
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
  let open: PostgresStore | undefined;
  return {
    async open() {
      open = await server.open({ schema });
      return open;
    },
    crash: async () => open?.close(),
  };
}

const moves: fc.Arbitrary<readonly StoreMove[]> = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), {
  minLength: 40,
  maxLength: 80,
});

describe("the PostgreSQL store beside the pure rules", () => {
  it("answers and shows the same after every move", async () => {
    await fc.assert(
      fc.asyncProperty(moves, (list) => playStoreModel(list, createDurableStore)),
      { numRuns: 10 },
    );
  }, 240_000);
});
