import type { Executor } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";
import { playRandomReleases } from "../testing/play-random-releases.ts";

/** Where the values are there already, no event is sent, and the row is as if it had been. */
function withoutNotes(executor: Executor): Executor {
  const left = new Set<string>();
  return plantBug(executor, (_, yard) => ({
    yard: {
      async send(events) {
        for (const event of events.filter(({ onlyNotes }) => onlyNotes)) left.add(yard.toEventId(event));
        await yard.send(events.filter(({ onlyNotes }) => !onlyNotes));
        return events.map((event) => ({ kind: "sent", eventId: yard.toEventId(event) }));
      },
      async findOutcome(event) {
        return left.has(yard.toEventId(event)) ? { outcome: "applied", at: 0 } : yard.findOutcome(event);
      },
    },
  }));
}

const SEEDS = process.env["LONG_TESTS"] === "1" ? 1_000 : 25;

describe("two releases that race for the same stacks", () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    "leave each with the newer one, and apply each event once: seed %i",
    async (seed) => {
      const bench = aReleaseYard({ seed, config: { concurrency: 2 } });
      await bench.addTenants(5);
      bench.pace.spreadMs = 1_700;

      await bench.start("1.42.0");
      await bench.yard.advance((seed % 4) * 1_300);
      await bench.start("1.43.0");
      await bench.finish("1.42.0");
      await bench.finish("1.43.0");

      expect(new Set(Object.values(await bench.versionsOf()))).toEqual(new Set(["1.43.0"]));
      expect(await bench.tallyOf("1.43.0")).toBe("done 5");
      const rows = await bench.rowsOf("1.42.0");
      expect(
        rows.filter(({ state, code }) => state !== "done" && state !== "unsent" && code !== "NEWER_RELEASE"),
      ).toEqual([]);
      for (const { stack } of rows) {
        const lines = (await bench.yard.listHistory(stack)).filter(({ outcome }) => outcome === "applied");
        const releases = lines.flatMap(({ release }) => (release === undefined ? [] : [release.id]));
        expect(["shop-1.43.0", "shop-1.42.0,shop-1.43.0"]).toContain(releases.join());
      }
    },
  );
});

describe("releases, people and freezes in a random order, with processes that die", () => {
  it(`break no promise in ${SEEDS} courses`, { timeout: 3_600_000 }, async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const course = await playRandomReleases(seed);
      expect(course.faults, `seed ${seed}`).toEqual([]);
      for (const [name, count] of Object.entries(course.seen)) seen.set(name, (seen.get(name) ?? 0) + count);
    }
    // The courses reach what they are about.
    const reached = [
      "start",
      "stop",
      "again",
      "undo",
      "retry",
      "byHand",
      "recreate",
      "freeze",
      "row done",
      "row failed",
    ];
    expect(reached.filter((name) => (seen.get(name) ?? 0) === 0)).toEqual([]);
  });

  it("find an event that a newer release does not hold back, the planted bug", { timeout: 120_000 }, async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 40 && found.length === 0; seed += 1) {
      // No stack seems to have a release, so none is newer.
      const { faults } = await playRandomReleases(seed, {
        plant: (executor) =>
          plantBug(executor, (_, yard) => ({
            yard: {
              load: async (ids) =>
                (await yard.load(ids)).map((each) => {
                  if (each.stack === undefined) return each;
                  const { releases: _releases, ...stack } = each.stack;
                  return { ...each, stack };
                }),
            },
          })),
      });
      found.push(...faults.filter((fault) => fault.includes("back to")));
    }
    expect(found.length).toBeGreaterThan(0);
  });

  it("find a version that an older release takes, because none noted that it was there, the planted bug", {
    timeout: 120_000,
  }, async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 40 && found.length === 0; seed += 1) {
      const { faults } = await playRandomReleases(seed, { plant: withoutNotes });
      found.push(...faults.filter((fault) => fault.includes("was taken by")));
    }
    expect(found.length).toBeGreaterThan(0);
  });

  it("find a row that is done although its update has failed, the planted bug", { timeout: 120_000 }, async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 40 && found.length === 0; seed += 2) {
      const { faults } = await playRandomReleases(seed, {
        plant: (executor) =>
          plantBug(executor, (_, yard) => ({
            yard: {
              load: async (ids) =>
                (await yard.load(ids)).map((each) => {
                  if (each.stack === undefined) return each;
                  const { lastFailure: _lastFailure, deed: _deed, deeds: _deeds, ...stack } = each.stack;
                  return { ...each, stack };
                }),
            },
          })),
      });
      found.push(...faults.filter((fault) => fault.includes("does not run")));
    }
    expect(found.length).toBeGreaterThan(0);
  });
});
