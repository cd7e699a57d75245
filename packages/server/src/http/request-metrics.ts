import { createHistogram, type Histogram, type Metric, toMetric } from "@stackyard/telemetry";

/** Counts requests by route, so that no id in a path becomes a label. */
export interface RequestMetrics {
  observe(route: string, method: string, status: number, seconds: number): void;
  list(): readonly Metric[];
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** Counters of one server. */
export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly times: Histogram }>();
  return {
    observe(route, method, status, seconds) {
      const labels = { route, method, status: String(status) };
      const key = `${method} ${status} ${route}`;
      const found = series.get(key) ?? { labels, times: createHistogram(BUCKETS) };
      series.set(key, found);
      found.times.observe(seconds);
    },
    list() {
      const samples = [...series.values()].flatMap(({ labels, times }) => times.toSamples(labels));
      return [toMetric("stackyard_http_request_duration_seconds", samples)];
    },
  };
}

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "LOCK",
  "UNLOCK",
]);

/** Limits the labels of metrics: callers may send any method. */
export function toMethodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : "other";
}
