import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSeed } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSqliteStore } from "./create-sqlite-store.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-simulation-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SEEDS = process.env["LONG_TESTS"] ? 50 : 2;

it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
  "holds what the simulator holds it to (seed %i)",
  async (seed) => {
    const store = await createSqliteStore({ folder: mkdtempSync(join(root, "store-")) });

    const { violations, steps } = await runSeed(seed, { createStore: () => store });
    await store.close();

    expect(violations).toEqual([]);
    expect(steps).toBeGreaterThan(20);
  },
);
