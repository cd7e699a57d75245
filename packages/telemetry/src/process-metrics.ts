import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metric } from "./exposition.ts";
import { toMetric } from "./prometheus.ts";

/** Measures this process, with Node's own figures and the names that Prometheus recommends for them. */
export interface ProcessMetrics {
  list(): readonly Metric[];
  /** Stops the measurement of the event loop. */
  stop(): void;
}

/** Starts the measurement of this process. It does not keep the process alive. */
export function startProcessMetrics(): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return {
    list() {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed } = process.memoryUsage();
      const lag = delay.percentile(99) / 1e9;
      delay.reset();
      const files = countOpenFiles();
      return [
        toMetric("process_cpu_seconds_total", (user + system) / 1e6),
        toMetric("process_resident_memory_bytes", rss),
        toMetric("process_start_time_seconds", performance.timeOrigin / 1_000),
        ...(files === undefined ? [] : [toMetric("process_open_fds", files)]),
        toMetric("nodejs_heap_size_used_bytes", heapUsed),
        toMetric("nodejs_eventloop_lag_p99_seconds", lag),
        toMetric("nodejs_version_info", [{ labels: { version: process.version }, value: 1 }]),
      ];
    },
    stop: () => delay.disable(),
  };
}

function countOpenFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
