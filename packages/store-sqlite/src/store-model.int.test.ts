// @module-tag promise
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DurableStore, playStoreModel, type StoreMove } from "@stackyard/core/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-model-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function createDurableStore(): Promise<DurableStore> {
  const folder = mkdtempSync(join(root, "store-"));
  let open: SqliteStore | undefined;
  return {
    async open() {
      open = await createSqliteStore({ folder });
      return open;
    },
    crash: async () => open?.close(),
  };
}

const moves: fc.Arbitrary<readonly StoreMove[]> = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), {
  minLength: 40,
  maxLength: 80,
});

describe("the SQLite store compared with the model", () => {
  it("answers and shows the same after every move", async () => {
    await fc.assert(
      fc.asyncProperty(moves, (list) => playStoreModel(list, createDurableStore)),
      { numRuns: process.env["LONG_TESTS"] ? 300 : 15 },
    );
  }, 240_000);
});
