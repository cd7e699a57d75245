import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { expect, it } from "vitest";
import { raceTurn } from "../testing/race-turn.ts";

it("has one holder at a time in 1,000 races over SQLite", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "turns-"));
  const store = await createSqliteStore({ folder });
  let grants = 0;
  for (let seed = 1; seed <= 1_000; seed += 1) {
    const race = await raceTurn({ records: store.records, name: `prod-${seed}`, seed });
    expect(race.overlaps, `seed ${seed}`).toEqual([]);
    grants += race.grants.length;
  }
  await store.close();
  await rm(folder, { recursive: true });

  expect(grants).toBeGreaterThan(1_000);
});
