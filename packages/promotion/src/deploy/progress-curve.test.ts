import { type RolloutState, toTallies } from "@stackyard/core/rollout";
import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { MOST_POINTS, noteProgress, type Progress } from "./progress-curve.ts";
import { findDeployState } from "./rows.ts";

const state = (done: number, failed = 0, given: Progress = {}): RolloutState & Progress => ({
  wave: 0,
  sending: [],
  tallies: [toTallies(Array.from({ length: 200 }, (_, index) => toRow(index, done, failed)))],
  ...(given.curve && { curve: given.curve }),
});

function toRow(index: number, done: number, failed: number) {
  if (index < done) return { wave: 0, state: "done" } as const;
  return index < done + failed ? ({ wave: 0, state: "failed" } as const) : ({ wave: 0, state: "sent" } as const);
}

describe("noteProgress", () => {
  it("adds a point when something has arrived or failed, and returns the same state otherwise", () => {
    const begun = noteProgress(state(0), 100);
    const same = noteProgress(begun, 200);
    const next = noteProgress(state(3, 1, begun), 300);

    expect(same).toBe(begun);
    expect(next.curve).toEqual([
      { at: 100, done: 0, failed: 0 },
      { at: 300, done: 3, failed: 1 },
    ]);
  });

  it("keeps the first and the last point and the order of many", () => {
    let given: Progress = {};
    for (let done = 0; done < 200; done += 1) {
      given = noteProgress(state(done, 0, given), done * 10);
      expect(given.curve?.length).toBeLessThanOrEqual(MOST_POINTS);
      expect([given.curve?.[0]?.done, given.curve?.at(-1)?.done]).toEqual([0, done]);
    }
    const times = (given.curve ?? []).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("notes when the pause after a wave has begun, once", () => {
    const paused = noteProgress({ ...state(4), waveEndedAt: 50 }, 60);
    const again = noteProgress({ ...paused, waveEndedAt: 50 }, 70);

    expect(again.pauses).toEqual([{ wave: 0, at: 50 }]);
  });
});

it("is written with the rows of a release: what has arrived when, and the pause after its first wave", async () => {
  const waves = [{ name: "canary", share: "20%", pause: "10m" }, { name: "rest" }];
  const release = aReleaseYard({ config: { waves, maxFailures: 1, concurrency: 1 } });
  await release.addTenants(5);
  release.broken.add("t3");
  await release.start("1.42.0");
  await release.finish("1.42.0");

  const { yard } = release;
  const [loaded] = await yard.store.load(["shop-1.42.0"]);
  const { incarnation = "" } = loaded?.stack ?? {};
  const owner = { stackId: "shop-1.42.0", incarnation, task: "tenants" };
  const found = await findDeployState({ records: yard.store.records, clock: { now: () => 0 }, owner });

  const { curve = [], pauses = [], startedAt = 0 } = found ?? {};
  expect(curve[0]).toEqual({ at: startedAt, done: 0, failed: 0 });
  expect(curve.at(-1)).toMatchObject({ done: 4, failed: 1 });
  expect(curve.map(({ done, failed }) => done + failed)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(pauses.map(({ wave }) => wave)).toEqual([0]);
  const [, first, second] = curve;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(600_000);
});
