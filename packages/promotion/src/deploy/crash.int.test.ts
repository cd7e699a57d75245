import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { expect, it } from "vitest";
import { playMortalRelease, WHOLE } from "../testing/play-mortal-release.ts";

/** Over the release and its undo. */
const CALLS = [40, 61, 75, 88, 97, 110, 125, 141, 160, 175, 190];

it.each(CALLS)(
  "sends each event once and undoes it once over SQLite, where a process dies at call %i",
  async (call) => {
    const folder = mkdtempSync(join(tmpdir(), "stackyard-deploy-"));
    const store = await createSqliteStore({ folder });
    try {
      const { hasDied, ...played } = await playMortalRelease(
        { call, when: call % 2 === 0 ? "before" : "after" },
        { store },
      );

      expect(hasDied).toBe(true);
      expect(played).toEqual(WHOLE);
    } finally {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
