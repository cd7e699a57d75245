import type { Sample } from "./metric-buffer.ts";
import { type Dimensions, METRICS, type MetricDefinition, toCloudWatchName } from "./metrics.ts";

/** What stands beside the values. */
export interface EmfInput {
  /** The dimension `yard`. */
  readonly yard: string;
  readonly service: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** CloudWatch's namespace of all metrics. */
export const NAMESPACE = "Stackyard";

/*
 * Limits of the embedded metric format, CloudWatch User Guide, "Specification: Embedded metric format": 100 metrics a
 * directive, 100 values of a metric, 30 dimensions a set; the line is a log event of at most 1 MB (256 KB until 2025).
 * Dimension values, CloudWatch API Reference, "Dimension": 1 to 1,024 ASCII characters without control characters.
 */
const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSION_CHARACTERS = 1_024;

/** Samples as lines of the embedded metric format, from which CloudWatch Logs takes metrics. */
export function toEmfLines(samples: readonly Sample[], input: EmfInput): readonly string[] {
  const documents = new Map<string, Line>();
  for (const part of samples.flatMap(toParts)) addPart(documents, part);
  return [...documents.values()].flatMap((line) => toLines(line, input));
}

/** Values of a metric as they stand in one line. */
interface Part {
  readonly name: string;
  readonly definition: MetricDefinition;
  readonly sets: readonly (readonly string[])[];
  readonly dimensions: Dimensions;
  readonly values: readonly number[];
}

interface Line {
  readonly sets: Part["sets"];
  readonly dimensions: Dimensions;
  readonly metrics: Map<string, Part>;
}

function toParts({ name, dimensions, values }: Sample): readonly Part[] {
  const definition: MetricDefinition = METRICS[name];
  const sets = definition.cloudWatch ?? [definition.dimensions];
  const used = new Set(sets.flat());
  const kept = Object.entries(dimensions).filter(([key]) => used.has(key));
  const own = Object.fromEntries(kept.map(([key, value]) => [key, toDimensionValue(value)]));
  const chunks = Array.from({ length: Math.ceil(values.length / MAX_VALUES) }, (_, index) =>
    values.slice(index * MAX_VALUES, (index + 1) * MAX_VALUES),
  );
  return chunks.map((chunk) => ({
    name: toCloudWatchName(name),
    definition,
    sets: sets.filter((set) => set.every((key) => Object.hasOwn(own, key))),
    dimensions: own,
    values: chunk,
  }));
}

/** Parts of the same dimensions share a line; a metric stands in it once, so a second part of it begins another one. */
function addPart(lines: Map<string, Line>, part: Part): void {
  const base = JSON.stringify([part.sets, Object.entries(part.dimensions).sort()]);
  for (let number = 0; ; number += 1) {
    const key = `${base}${number}`;
    const line = lines.get(key) ?? { sets: part.sets, dimensions: part.dimensions, metrics: new Map() };
    if (line.metrics.has(part.name) || line.metrics.size >= MAX_METRICS) continue;
    line.metrics.set(part.name, part);
    lines.set(key, line);
    return;
  }
}

function toLines({ sets, dimensions, metrics }: Line, { yard, service, now }: EmfInput): readonly string[] {
  if (sets.length === 0) return [];
  const parts = [...metrics.values()];
  const values = parts.map(({ name, values }) => [name, values.length === 1 ? values[0] : values] as const);
  const directive = {
    Namespace: NAMESPACE,
    Dimensions: sets.map((set) => ["yard", ...set]),
    Metrics: parts.map(({ name, definition }) => ({ Name: name, Unit: definition.unit })),
  };
  const metadata = { Timestamp: now, CloudWatchMetrics: [directive] };
  const document = {
    _aws: metadata,
    service,
    yard: toDimensionValue(yard),
    ...dimensions,
    ...Object.fromEntries(values),
  };
  return [`${JSON.stringify(document)}\n`];
}

function toDimensionValue(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_DIMENSION_CHARACTERS);
  return plain.trim() === "" ? "-" : plain;
}
