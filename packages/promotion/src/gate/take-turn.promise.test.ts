import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { raceTurn } from "../testing/race-turn.ts";

describe("a turn", () => {
  it("has one holder at a time in 1,000 races", async () => {
    const records = createMemoryRecords();
    let [grants, superseded] = [0, 0];
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const race = await raceTurn({ records, name: `prod-${seed}`, seed });
      expect(race.overlaps, `seed ${seed}`).toEqual([]);
      grants += race.grants.length;
      superseded += race.superseded.length;
    }

    expect(grants).toBeGreaterThan(1_000);
    expect(superseded).toBeGreaterThan(300);
  });

  it("shows two holders when the record is written without its condition", async () => {
    const records = createMemoryRecords();
    // The planted bug: the last writer wins.
    const careless = {
      ...records,
      put: async (input: Parameters<typeof records.put>[0]) => {
        const found = await records.get(input.key, input.now);
        return records.put({ ...input, expected: found?.version ?? "absent" });
      },
    };
    const overlaps: string[] = [];
    for (let seed = 1; seed <= 200; seed += 1) {
      overlaps.push(...(await raceTurn({ records: careless, name: `prod-${seed}`, seed })).overlaps);
    }

    expect(overlaps.length).toBeGreaterThan(0);
  });
});
