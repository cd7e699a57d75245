import { describe, expect, it } from "vitest";
import { aContender } from "./builders.ts";
import type { Contender } from "./contender.ts";
import { type DrainResult, summarizeDrains, toRatios } from "./drains.ts";

const contender = (id: string, steps: number, batching: Contender["batching"] = "grouped") =>
  aContender(id, { batching, steps: Array.from({ length: steps }, (_, index) => `step ${index}`) });

const drain = (id: string, ms: number): DrainResult => ({
  contender: id,
  jobs: 100,
  ms,
  clientCpuMs: 20,
  serverCpuMs: 30,
  peakMiB: 90,
  grownMiB: 1,
  database: { commits: 200, rowsWritten: 400, walBytes: 50_000 },
});

describe("summarizeDrains", () => {
  it("gives medians with their spread, and costs per job or per 1,000", () => {
    const of = contender("a", 3);

    expect(summarizeDrains(of, [drain("a", 50), drain("a", 100), drain("a", 200)])).toEqual({
      contender: of,
      rounds: 3,
      jobs: 100,
      jobsPerSecond: { median: 1_000, least: 500, most: 2_000 },
      stepsPerSecond: { median: 3_000, least: 1_500, most: 6_000 },
      rowsPerSecond: { median: 4_000, least: 2_000, most: 8_000 },
      clientCpuMsPer1000: 200,
      serverCpuMsPer1000: 300,
      peakMiB: 90,
      grownKiBPer1000: 10_240,
      rowsWritten: 4,
      commits: 2,
      walBytes: 500,
    });
  });
});

describe("toRatios", () => {
  it("compares round by round, and only within a class of batching", () => {
    const [ours, peer, other] = [contender("ours", 3), contender("peer", 2), contender("other", 2, "one by one")];
    const results: Readonly<Record<string, readonly DrainResult[]>> = {
      ours: [drain("ours", 200), drain("ours", 400)],
      peer: [drain("peer", 100), drain("peer", 100)],
    };

    expect(toRatios(ours, [ours, peer, other], ({ id }) => results[id] ?? [])).toEqual([
      {
        of: "ours",
        to: "peer",
        jobs: { median: 0.375, least: 0.25, most: 0.5 },
        steps: { median: 0.5625, least: 0.375, most: 0.75 },
      },
    ]);
  });
});
