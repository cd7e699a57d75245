import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DurableStore,
  durableStoreConformance,
  resultConformance,
  storeConformance,
} from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-conformance-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** After a kill there is what the kernel has of the files: neither locks nor what the process had in memory. */
async function createDurableStore(): Promise<DurableStore> {
  let folder = mkdtempSync(join(root, "durable-"));
  let open: SqliteStore | undefined;
  return {
    async open() {
      open = await createSqliteStore({ folder });
      return open;
    },
    async crash() {
      const left = folder;
      folder = `${left}-after`;
      mkdirSync(folder);
      for (const file of ["stackyard.db", "stackyard.db-wal", "stackyard.lock"]) {
        if (existsSync(join(left, file))) copyFileSync(join(left, file), join(folder, file));
      }
      await open?.close();
    },
  };
}

describe("the SQLite store", () => {
  for (const { name, run } of [...storeConformance, ...resultConformance]) {
    it(name, () => run(() => createSqliteStore({ folder: mkdtempSync(join(root, "store-")) })));
  }
});

describe("the SQLite store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});
