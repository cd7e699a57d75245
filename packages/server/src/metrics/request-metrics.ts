import type { Metric } from "./metrics.ts";

/** Counts requests by route, so that no id of a path becomes a label. */
export interface RequestMetrics {
  observe(route: string, method: string, status: number, seconds: number): void;
  list(): readonly Metric[];
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10];

interface Series {
  readonly labels: { readonly route: string; readonly method: string; readonly status: string };
  readonly counts: number[];
  count: number;
  sum: number;
}

/** Counters of one server. */
export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, Series>();
  return {
    observe(route, method, status, seconds) {
      const labels = { route, method, status: String(status) };
      const key = `${method} ${status} ${route}`;
      const found = series.get(key) ?? { labels, counts: BUCKETS.map(() => 0), count: 0, sum: 0 };
      series.set(key, found);
      found.count += 1;
      found.sum += seconds;
      for (const [index, limit] of BUCKETS.entries())
        if (seconds <= limit) found.counts[index] = (found.counts[index] ?? 0) + 1;
    },
    list() {
      const samples = [...series.values()].flatMap(toSamples);
      const help = "Time to the head of the answer.";
      return [{ name: "stackyard_http_request_duration_seconds", help, type: "histogram", samples }];
    },
  };
}

function toSamples({ labels, counts, count, sum }: Series): Metric["samples"] {
  const buckets = BUCKETS.map((limit, index) => ({
    suffix: "_bucket",
    labels: { ...labels, le: String(limit) },
    value: counts[index] ?? 0,
  }));
  return [
    ...buckets,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: count },
  ];
}
