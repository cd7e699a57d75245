import { expect, it } from "vitest";
import { aContender, aDrainSummary, aLatencySummary, aSpread } from "./builders.ts";
import { toSideBySideTables } from "./side-by-side-tables.ts";

it("shows costs, rates, ratios, latencies and settings, each where it belongs", () => {
  const [ours, peer] = [aContender("ours"), aContender("peer", { batching: "one by one", inProcess: true })];

  const tables = toSideBySideTables(
    {
      drains: [aDrainSummary({ contender: ours }), aDrainSummary({ contender: peer })],
      ratios: [{ of: "ours", to: "peer", jobs: aSpread(0.5), steps: aSpread(1.5) }],
      latencies: [
        aLatencySummary({ contender: "ours", rate: 500, p50Ms: aSpread(1.26), p99Ms: aSpread(9) }),
        aLatencySummary({ contender: "peer", rate: 50, p50Ms: aSpread(2), p99Ms: aSpread(3) }),
        aLatencySummary({ contender: "peer", rate: 500, overCapacity: true }),
      ],
    },
    [ours, peer],
  );

  expect(tables.map(({ rows }) => rows)).toEqual([
    [["peer 1.0", "12", "46", "78", "90", "4.3", "0.13", "1,234"]],
    [["peer 1.0", "1,000 (500–2,000)", "4,250 (2,125–8,500)", "2", "2,000 (1,000–4,000)"]],
    [["ours 1.0", "12", "46", "78", "90", "4.3", "0.13", "1,234"]],
    [["ours 1.0", "1,000 (500–2,000)", "4,250 (2,125–8,500)", "2", "2,000 (1,000–4,000)"]],
    [["peer 1.0", "one by one", "0.50 (0.25–1.00)", "1.50 (0.75–3.00)"]],
    [
      ["ours 1.0", "grouped", "–", "–", "1.3 (0.6–2.5)", "9.0 (4.5–18.0)"],
      [
        "peer 1.0 (within one process)",
        "one by one",
        "2.0 (1.0–4.0)",
        "3.0 (1.5–6.0)",
        "over capacity",
        "over capacity",
      ],
    ],
    [
      ["ours 1.0", "grouped", "batch 100", "taken, ended"],
      ["peer 1.0", "one by one", "batch 100", "taken, ended"],
    ],
  ]);
});
