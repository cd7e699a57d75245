import { describe, expect, it } from "vitest";
import { aContender, aDrainSummary, aLatencySummary, aSpread } from "./builders.ts";
import { toVerdicts } from "./verdicts.ts";

const [ours, slow, fast, other] = [
  aContender("stackyard-grouped"),
  aContender("slow"),
  aContender("fast"),
  aContender("other", { batching: "one by one" }),
];
const all = [ours, slow, fast, other];

function spread(least: number, median: number, most: number) {
  return { least, median, most };
}

describe("toVerdicts", () => {
  it("names the fastest peer of the class by jobs, even without a count", () => {
    const drained = (contender: typeof ours, jobs: number, steps: number) =>
      aDrainSummary({ contender, jobsPerSecond: aSpread(jobs), stepsPerSecond: aSpread(steps) });
    const drains = [
      drained(ours, 100, 300),
      drained(slow, 50, 900),
      drained(fast, 400, 800),
      drained(other, 999, 9_000),
    ];

    expect(toVerdicts({ drains, ratios: [], latencies: [] }, all)).toEqual([
      "grouped: 0.25 × the jobs a second of the fastest peer, fast 1.0, and 0.38 × its durable steps: behind.",
    ]);
  });

  it("says on which side of each peer the latency lies, unless each lies within the rounds of the other", () => {
    const latencies = [
      aLatencySummary({ contender: ours.id, p99Ms: spread(6, 8, 10) }),
      aLatencySummary({ contender: slow.id, p99Ms: spread(11, 20, 30) }),
      aLatencySummary({ contender: fast.id, p99Ms: spread(3, 4.25, 5) }),
      aLatencySummary({ contender: "even", p99Ms: spread(5, 7, 9) }),
      aLatencySummary({ contender: "wide", p99Ms: spread(1, 3, 90) }),
    ];

    const [, latency] = toVerdicts({ drains: [], ratios: [], latencies }, [
      ...all,
      aContender("even"),
      aContender("wide"),
    ]);

    expect(latency).toBe(
      "grouped, at 50 jobs a second: a p99 of 8.0 ms to the start; below slow 1.0 (20.0 ms); level with even 1.0 (7.0 ms); behind fast 1.0 (4.3 ms), wide 1.0 (3.0 ms).",
    );
  });

  it("compares nothing at a rate above a contender's capacity", () => {
    const latencies = [
      aLatencySummary({ contender: ours.id, rate: 100, overCapacity: true }),
      aLatencySummary({ contender: slow.id, rate: 100 }),
      aLatencySummary({ contender: ours.id, rate: 200, p99Ms: spread(6, 8, 10) }),
      aLatencySummary({ contender: slow.id, rate: 200, overCapacity: true }),
      aLatencySummary({ contender: fast.id, rate: 200, p99Ms: spread(3, 4, 5) }),
    ];

    const [, ...found] = toVerdicts({ drains: [], ratios: [], latencies }, all);

    expect(found).toEqual([
      "grouped, at 100 jobs a second: more than it can work, so there is no latency.",
      "grouped, at 200 jobs a second: a p99 of 8.0 ms to the start; behind fast 1.0 (4.0 ms).",
    ]);
  });
});
