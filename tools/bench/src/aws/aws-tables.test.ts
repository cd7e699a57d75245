import { expect, it } from "vitest";
import type { AwsFigures } from "./aws-figures.ts";
import { NO_USE } from "./aws-prices.ts";
import { toAwsTables } from "./aws-tables.ts";

const figures: AwsFigures = {
  bundles: [{ app: "state-manager", files: 3, bytes: 512_000, firstBytes: 204_800, zippedBytes: 102_400 }],
  coldStarts: [{ store: "DynamoDB", starts: 15, importMs: 61.4, importCpuMs: 70.2, firstMs: 120.6, secondMs: 9.04 }],
  rates: [
    { store: "Postgres", batchSize: 10, events: 2_000, perSecond: 812.4, invocationMs: 12.31, cpuMsPerEvent: 0.8 },
  ],
  requests: [
    {
      scenario: "busy",
      transitions: 500,
      counts: { "sqs.SendMessageBatch": 250, "dynamodb.PutItem": 1_000 },
      use: { ...NO_USE, queue: 2_500, write: 2_000, read: 500, invocation: 100 },
      sweep: { ...NO_USE, read: 8, invocation: 1 },
    },
  ],
};

const rowsOf = (title: string) => toAwsTables(figures).find((table) => table.title.includes(title))?.rows;

it("shows what was measured", () => {
  expect(rowsOf("bundles")).toEqual([["state-manager", "3", "500", "200", "100"]]);
  expect(rowsOf("cold starts")).toEqual([["DynamoDB", "15", "61", "70", "121", "9"]]);
  expect(rowsOf("one warm instance")).toEqual([["Postgres", "10", "2,000", "812", "12.3", "0.80"]]);
});

it("counts requests and units for a thousand transitions", () => {
  expect(rowsOf("requests for 1,000")).toEqual([
    ["dynamodb.PutItem", "2,000"],
    ["sqs.SendMessageBatch", "500"],
    ["invocations of both functions", "200"],
    ["DynamoDB read units", "1,000"],
    ["DynamoDB write units", "4,000"],
  ]);
});

it("works out what they cost, and what an idle month does", () => {
  expect(rowsOf("Worked out")).toEqual([
    ["SQS", "0.20"],
    // 1,000 × $0.125 and 4,000 × $0.625 a million.
    ["DynamoDB", "0.26"],
    // 200 × $0.20 a million, and 10 GB-seconds.
    ["Lambda", "0.02"],
    ["S3", "0.00"],
    ["together", "0.48"],
    // 1,971,000 receives, and 43,800 sweeps of 8 read units and 0.05 GB-seconds each.
    ["a month in which nothing happens, US dollars", "0.87"],
  ]);
});

it("names the source of each price", () => {
  const sources = rowsOf("Prices")?.map((row) => row[2] ?? "");
  expect(sources?.every((source) => source.startsWith("aws.amazon.com/"))).toBe(true);
});
