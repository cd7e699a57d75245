/** One sample: labels and value. */
interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Follows the name, such as `_bucket`. */
  readonly suffix?: string;
}

/** The definition of a metric at `/metrics`. */
export interface ExposedDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
}

/** A metric in Prometheus' text format 0.0.4. */
export interface Metric extends ExposedDefinition {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** The media type of `toExposition`. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Formats metrics as exposition text. The format is too simple for a library. */
export function toExposition(metrics: readonly Metric[]): string {
  return metrics.map(toLines).join("");
}

function toLines({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ suffix = "", labels = {}, value }) => `${name}${suffix}${toLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function toLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** Values in buckets, as a histogram counts them. */
export interface Histogram {
  observe(value: number): void;
  toSamples(labels: Readonly<Record<string, string>>): readonly Sample[];
}

/** Creates an empty histogram with these upper bounds, in growing order. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = bounds.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    observe(value) {
      count += 1;
      sum += value;
      for (const [index, bound] of bounds.entries()) if (value <= bound) counts[index] = (counts[index] ?? 0) + 1;
    },
    toSamples: (labels) => [
      ...bounds.map((bound, index) => ({
        suffix: "_bucket",
        labels: { ...labels, le: String(bound) },
        value: counts[index] ?? 0,
      })),
      { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
      { suffix: "_sum", labels, value: sum },
      { suffix: "_count", labels, value: count },
    ],
  };
}
