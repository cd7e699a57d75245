import { METRICS, type MetricDefinition, toCloudWatchName } from "../metrics.ts";
import { PROMETHEUS_METRICS } from "../prometheus.ts";

/** Formats the metrics as the table of README and docs. */
export function toMetricTable(): string {
  const metrics: readonly (readonly [string, MetricDefinition])[] = Object.entries(METRICS);
  const rows = metrics.map(([name, { kind, unit, help, dimensions, cloudWatch = [dimensions] }]) => {
    const sets = cloudWatch.map((set) => (set.length === 0 ? "yard" : set.join(", "))).join("; ");
    const own = dimensions.length === 0 ? "–" : dimensions.join(", ");
    const what = unit === "Seconds" ? `${kind}, s` : kind;
    return `| \`${name}\` | \`${toCloudWatchName(name)}\` | ${what} | ${own} | ${sets} | ${help} |`;
  });
  return [
    "| name | in CloudWatch | kind | dimensions | dimensions in CloudWatch | what |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** Formats the metrics that exist at `/metrics` only. */
export function toPrometheusTable(): string {
  const rows = Object.entries(PROMETHEUS_METRICS).map(
    ([name, { type, help }]) => `| \`${name}\` | ${type} | ${help} |`,
  );
  return ["| name | kind | what |", "|---|---|---|", ...rows].join("\n");
}
