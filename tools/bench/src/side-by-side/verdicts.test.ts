import { expect, it } from "vitest";
import type { Contender } from "./contender.ts";
import type { DrainSummary } from "./summary.ts";
import { toVerdicts } from "./verdicts.ts";

const contender = (id: string, batching: Contender["batching"] = "grouped"): Contender => ({
  id,
  name: `${id} 1.0`,
  batching,
  settings: "",
  steps: [],
  jobs: 1,
  inProcess: false,
  doneSql: "",
  fillSql: "",
  filledWith: "",
  connect: () => {
    throw new Error("not measured here");
  },
});

const drained = (of: Contender, jobs: number, steps: number): DrainSummary => ({
  contender: of,
  rounds: 1,
  jobs: 1,
  jobsPerSecond: { median: jobs, least: jobs, most: jobs },
  stepsPerSecond: { median: steps, least: steps, most: steps },
  rowsPerSecond: { median: 1, least: 1, most: 1 },
  clientCpuMsPer1000: 0,
  serverCpuMsPer1000: 0,
  peakMiB: 0,
  grownKiBPer1000: 0,
  rowsWritten: 0,
  commits: 0,
  walBytes: 0,
});

it("names the fastest peer of the class, and on which side of each peer the latency lies", () => {
  const [ours, slow, fast, other] = [
    contender("stackyard-grouped"),
    contender("slow"),
    contender("fast"),
    contender("other", "one by one"),
  ];

  const verdicts = toVerdicts(
    {
      drains: [drained(ours, 100, 300), drained(slow, 50, 900), drained(fast, 400, 800), drained(other, 999, 9_000)],
      ratios: [],
      latencies: [
        { contender: ours.id, rate: 50, jobs: 1, p50Ms: 1, p99Ms: 8 },
        { contender: slow.id, rate: 50, jobs: 1, p50Ms: 1, p99Ms: 20 },
        { contender: fast.id, rate: 50, jobs: 1, p50Ms: 1, p99Ms: 4.25 },
      ],
    },
    [ours, slow, fast, other],
  );

  expect(verdicts).toEqual([
    "grouped: 0.25 × the jobs a second of the fastest peer, fast 1.0, and 0.38 × its durable steps: behind.",
    "grouped, at 50 jobs a second: a p99 of 8.0 ms to the start, below that of slow 1.0 (20.0 ms); behind fast 1.0 (4.3 ms).",
  ]);
});
