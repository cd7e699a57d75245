import { describe, expect, it } from "vitest";
import { aContender, aDrainSummary } from "./builders.ts";
import { summarizeLatencies, toWaits } from "./latencies.ts";

describe("toWaits", () => {
  it("pairs each job with its start, in the order of the jobs", () => {
    const waits = toWaits(
      [
        [7, 100],
        [8, 110],
      ],
      [
        [8, 111],
        [7, 105],
      ],
    );

    expect(waits).toEqual([5, 1]);
  });

  it("says which job never started", () => {
    expect(() => toWaits([[7, 100]], [])).toThrow("Job 7 did not start.");
  });
});

const latency = (rate: number, p50Ms: number, p99Ms: number) => ({ contender: "a", rate, jobs: 200, p50Ms, p99Ms });

it("gives medians over the rounds, rate by rate", () => {
  const figures = [latency(50, 1, 9), latency(200, 5, 50), latency(50, 3, 7), latency(200, 4, 40), latency(50, 2, 8)];

  expect(summarizeLatencies(figures, [])).toEqual([
    {
      contender: "a",
      rate: 50,
      rounds: 3,
      jobs: 200,
      overCapacity: false,
      p50Ms: { median: 2, least: 1, most: 3 },
      p99Ms: { median: 8, least: 7, most: 9 },
    },
    {
      contender: "a",
      rate: 200,
      rounds: 2,
      jobs: 200,
      overCapacity: false,
      p50Ms: { median: 4.5, least: 4, most: 5 },
      p99Ms: { median: 45, least: 40, most: 50 },
    },
  ]);
});

it("distinguishes a rate above the contender's capacity from a latency", () => {
  const drains = [aDrainSummary({ contender: aContender("a"), jobsPerSecond: { median: 93, least: 92, most: 101 } })];

  const summaries = summarizeLatencies([latency(50, 1, 2), latency(100, 585, 697)], drains);

  expect(summaries.map(({ rate, overCapacity }) => [rate, overCapacity])).toEqual([
    [50, false],
    [100, true],
  ]);
});
