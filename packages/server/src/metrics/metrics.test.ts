import { describe, expect, it } from "vitest";
import { toExposition } from "./metrics.ts";
import { createRequestMetrics } from "./request-metrics.ts";

describe("toExposition", () => {
  it("escapes labels, so that no name can add a line", () => {
    const samples = [{ labels: { state: 'a"b\\c\nd 1' }, value: 2 }, { value: 3 }];

    const text = toExposition([{ name: "m", help: "H.", type: "gauge", samples }]);

    expect(text).toBe('# HELP m H.\n# TYPE m gauge\nm{state="a\\"b\\\\c\\nd 1"} 2\nm 3\n');
  });

  it("counts requests into growing buckets", () => {
    const requests = createRequestMetrics();
    requests.observe("/v1/stacks", "GET", 200, 0.01);
    requests.observe("/v1/stacks", "GET", 200, 5);

    const values = requests.list()[0]?.samples.map(({ suffix, value }) => [suffix, value]);

    expect(values).toEqual([
      ...[0, 1, 1, 1, 1, 2, 2].map((value) => ["_bucket", value]),
      ["_sum", 5.01],
      ["_count", 2],
    ]);
  });
});
