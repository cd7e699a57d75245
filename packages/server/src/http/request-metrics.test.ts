import { expect, it } from "vitest";
import { createRequestMetrics } from "./request-metrics.ts";

it("counts requests into growing buckets", () => {
  const requests = createRequestMetrics();
  requests.observe("/v1/stacks", "GET", 200, 0.01);
  requests.observe("/v1/stacks", "GET", 200, 5);

  const values = requests.list()[0]?.samples.map(({ suffix, value }) => [suffix, value]);

  expect(values).toEqual([...[0, 1, 1, 1, 1, 2, 2].map((value) => ["_bucket", value]), ["_sum", 5.01], ["_count", 2]]);
});
