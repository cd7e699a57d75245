import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore } from "@stackyard/core/engine";
import { type LifeMove, playMovedLife } from "@stackyard/core/testing";
import fc from "fast-check";
import { expect, it } from "vitest";
import { restoreSqliteStore } from "./backup.ts";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";

const moves = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 12 });
const options = { numRuns: process.env["LONG_TESTS"] ? 100 : 8 };

async function withStore(use: (store: SqliteStore, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "moved-"));
  const store = await createSqliteStore({ folder: join(folder, "store") });
  try {
    await use(store, folder);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

it.each(["from it", "to it"])("answers to old ids as before when a yard was moved: %s", async (where) => {
  const play = (before: readonly LifeMove[], after: readonly LifeMove[]) =>
    withStore(async (store) => {
      const other = createMemoryStore();
      const stores = where === "to it" ? { from: other, to: store } : { from: store, to: other };
      await playMovedLife({ before, after }, stores);
    });

  await fc.assert(fc.asyncProperty(moves, moves, play), options);
});

it("has all that it remembers in a backup", async () => {
  await withStore(async (store, folder) => {
    const moved = createMemoryStore();
    await playMovedLife(
      {
        before: [
          [0, 0, 0],
          [0, 0, 1],
          [2, 0, 2],
        ],
        after: [],
      },
      { from: store, to: moved },
    );
    const { items } = await store.memory.list({ limit: 1_000 });
    await store.backup(join(folder, "backup"));
    await restoreSqliteStore({ from: join(folder, "backup"), folder: join(folder, "restored") });

    const restored = await createSqliteStore({ folder: join(folder, "restored") });

    expect(items.length).toBeGreaterThan(3);
    expect(await restored.memory.findMissing(items)).toEqual([]);
    await restored.close();
  });
});
