import type { Clock } from "@stackyard/core";
import { toEmfLines } from "./emf.ts";
import { createMetricBuffer } from "./metric-buffer.ts";
import type { Count } from "./metric-sink.ts";

/** What writing needs. */
export interface EmfMetricsInput {
  readonly yard: string;
  readonly service: string;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
}

/** Metrics as lines of the log. */
export interface EmfMetrics {
  readonly count: Count;
  /** Writes what waits. */
  flush(): void;
}

/** A container has no end of an invocation; what waits there is written when it is so old, or so much. */
const WRITE_AFTER_MS = 60_000;
const MOST_WAITING = 5_000;

/** Gathers what one invocation measures into few lines. */
export function createEmfMetrics({ yard, service, clock, write }: EmfMetricsInput): EmfMetrics {
  const buffer = createMetricBuffer();
  let waiting: AbortController | undefined;
  function flush(): void {
    waiting?.abort();
    waiting = undefined;
    for (const line of toEmfLines(buffer.take(), { yard, service, now: clock.now() })) write(line);
  }
  /** An invocation flushes at its end, and then nothing waits any more. */
  async function flushLater(own: AbortController): Promise<void> {
    await clock.sleep(WRITE_AFTER_MS, own.signal);
    if (waiting === own) flush();
  }
  return {
    flush,
    count(name, value, dimensions = {}) {
      if (buffer.size() >= MOST_WAITING) flush();
      buffer.add(name, value, dimensions);
      if (waiting !== undefined) return;
      waiting = new AbortController();
      void flushLater(waiting);
    },
  };
}
