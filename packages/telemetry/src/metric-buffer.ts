import { type Dimensions, METRICS, type MetricName } from "./metrics.ts";

/** Values of one metric under the same dimensions. */
export interface Sample {
  readonly name: MetricName;
  readonly dimensions: Dimensions;
  /** Of a counter its sum, of a gauge its last value, of a distribution each value. */
  readonly values: readonly number[];
}

/** Gathers what is measured until it is told. */
export interface MetricBuffer {
  add(name: MetricName, value: number, dimensions: Dimensions): void;
  /** How many values wait. */
  size(): number;
  /** All samples, in the order in which they came first; then it is empty. */
  take(): readonly Sample[];
}

interface Entry extends Sample {
  readonly values: number[];
}

/** An empty one. */
export function createMetricBuffer(): MetricBuffer {
  let entries = new Map<string, Entry>();
  let count = 0;
  return {
    add(name, value, dimensions) {
      if (!Number.isFinite(value)) return;
      const key = JSON.stringify([name, ...Object.entries(dimensions).sort().flat()]);
      const entry = entries.get(key) ?? { name, dimensions, values: [] };
      entries.set(key, entry);
      const before = entry.values.length;
      addValue(entry, value);
      count += entry.values.length - before;
    },
    size: () => count,
    take() {
      const taken = [...entries.values()];
      entries = new Map();
      count = 0;
      return taken;
    },
  };
}

function addValue({ name, values }: Entry, value: number): void {
  const { kind } = METRICS[name];
  if (kind === "distribution") values.push(value);
  else values[0] = kind === "counter" ? (values[0] ?? 0) + value : value;
}
