import { expect, it } from "vitest";
import type { Contender } from "./contender.ts";
import { toSideBySideTables } from "./side-by-side-tables.ts";

const spread = (median: number) => ({ median, least: median / 2, most: median * 2 });

const contender = (id: string, more: Partial<Contender> = {}): Contender => ({
  id,
  name: `${id} 1.0`,
  batching: "grouped",
  settings: "batch 100",
  steps: ["taken", "ended"],
  jobs: 10,
  inProcess: false,
  doneSql: "",
  fillSql: "",
  filledWith: "",
  connect: () => {
    throw new Error("not measured here");
  },
  ...more,
});

it("shows rates, costs, ratios, latencies and settings, each where it belongs", () => {
  const [ours, peer] = [contender("ours"), contender("peer", { batching: "one by one", inProcess: true })];
  const row = {
    rounds: 3,
    jobs: 10,
    jobsPerSecond: spread(1_000),
    stepsPerSecond: spread(2_000),
    rowsPerSecond: spread(4_250),
    clientCpuMsPer1000: 12.3,
    serverCpuMsPer1000: 45.6,
    peakMiB: 78,
    grownKiBPer1000: 90,
    rowsWritten: 4.25,
    commits: 0.125,
    walBytes: 1_234,
  };

  const tables = toSideBySideTables(
    {
      drains: [
        { contender: ours, ...row },
        { contender: peer, ...row },
      ],
      ratios: [{ of: "ours", to: "peer", jobs: spread(0.5), steps: spread(1.5) }],
      latencies: [
        { contender: "ours", rate: 500, jobs: 10, p50Ms: 1.26, p99Ms: 9 },
        { contender: "peer", rate: 50, jobs: 10, p50Ms: 2, p99Ms: 3 },
      ],
    },
    [ours, peer],
  );

  expect(tables.map(({ rows }) => rows)).toEqual([
    [["peer 1.0", "1,000 (500–2,000)", "4,250 (2,125–8,500)", "2", "2,000 (1,000–4,000)"]],
    [["peer 1.0", "12", "46", "78", "90", "4.3", "0.13", "1,234"]],
    [["ours 1.0", "1,000 (500–2,000)", "4,250 (2,125–8,500)", "2", "2,000 (1,000–4,000)"]],
    [["ours 1.0", "12", "46", "78", "90", "4.3", "0.13", "1,234"]],
    [["peer 1.0", "one by one", "0.50 (0.25–1.00)", "1.50 (0.75–3.00)"]],
    [
      ["ours 1.0", "grouped", "–", "–", "1.3", "9.0"],
      ["peer 1.0 (within one process)", "one by one", "2.0", "3.0", "–", "–"],
    ],
    [
      ["ours 1.0", "grouped", "batch 100", "taken, ended"],
      ["peer 1.0", "one by one", "batch 100", "taken, ended"],
    ],
  ]);
});
