import type { Dimensions, MetricName } from "./metrics.ts";

/** Measures: adds to a counter, sets a gauge, or notes one value of a distribution. */
export type Count = (metric: MetricName, value: number, dimensions?: Dimensions) => void;
