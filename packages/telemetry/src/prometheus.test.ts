import { createMemoryStore } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { toExposition } from "./exposition.ts";
import { METRICS, type MetricName } from "./metrics.ts";
import { startProcessMetrics } from "./process-metrics.ts";
import { createPrometheusMetrics, loadYardMetrics, PROMETHEUS_METRICS, toPrometheusName } from "./prometheus.ts";

/** Returns the lines of one metric, without those about it. */
function linesOf(metrics: Parameters<typeof toExposition>[0], name: string): readonly string[] {
  return toExposition(metrics)
    .split("\n")
    .filter((line) => line.startsWith(name));
}

describe("toExposition", () => {
  it("escapes labels, so that no name can add a line", () => {
    const samples = [{ labels: { state: 'a"b\\c\nd 1' }, value: 2 }, { value: 3 }];

    const text = toExposition([{ name: "m", help: "H.", type: "gauge", samples }]);

    expect(text).toBe('# HELP m H.\n# TYPE m gauge\nm{state="a\\"b\\\\c\\nd 1"} 2\nm 3\n');
  });
});

describe("the counters of a process", () => {
  it("add up by their labels, and end in _total", () => {
    const { count, list } = createPrometheusMetrics();

    count("task_failures", 1, { machine: "app", code: "A" });
    count("task_failures", 2, { machine: "app", code: "A" });
    count("task_failures", 1, { code: "B" });

    expect(linesOf(list(), "stackyard_task_failures_total")).toEqual([
      'stackyard_task_failures_total{machine="app",code="A"} 3',
      'stackyard_task_failures_total{machine="none",code="B"} 1',
    ]);
  });

  it("begin with 0 without labels, so that the first increase is seen [prometheus#1673]", () => {
    const { count, list } = createPrometheusMetrics();
    const before = linesOf(list(), "stackyard_dead_lettered_events_total");

    count("dead_lettered_events", 1);

    expect([before, linesOf(list(), "stackyard_dead_lettered_events_total")]).toEqual([
      ["stackyard_dead_lettered_events_total 0"],
      ["stackyard_dead_lettered_events_total 1"],
    ]);
  });

  it("begin with 0 for each known machine, so that the first failure is seen [prometheus#1673]", () => {
    const { count, list } = createPrometheusMetrics({ mostSeries: 4 });
    count("task_failures", 4, { machine: "app", code: "A" });

    const metrics = list(["app", "jobs", "never-counted"]);

    expect(linesOf(metrics, "stackyard_task_failures_total")).toEqual([
      'stackyard_task_failures_total{machine="app",code="A"} 4',
      'stackyard_task_failures_total{machine="app",code="none"} 0',
      'stackyard_task_failures_total{machine="jobs",code="none"} 0',
    ]);
    expect(linesOf(metrics, "stackyard_sent_tasks_total")).toEqual([
      'stackyard_sent_tasks_total{machine="app"} 0',
      'stackyard_sent_tasks_total{machine="jobs"} 0',
    ]);
    expect(linesOf(metrics, "stackyard_refused_events_total")).toHaveLength(2);
    expect(linesOf(metrics, "stackyard_stalls_total")).toEqual([]);
  });

  it("count times into growing buckets", () => {
    const { count, list } = createPrometheusMetrics();

    for (const seconds of [0.2, 30]) count("event_age_seconds", seconds);

    const lines = linesOf(list(), "stackyard_event_age_seconds");
    expect(lines.slice(0, 3)).toEqual([
      'stackyard_event_age_seconds_bucket{le="0.1"} 0',
      'stackyard_event_age_seconds_bucket{le="0.5"} 1',
      'stackyard_event_age_seconds_bucket{le="1"} 1',
    ]);
    expect(lines.slice(-3)).toEqual([
      'stackyard_event_age_seconds_bucket{le="+Inf"} 2',
      "stackyard_event_age_seconds_sum 30.2",
      "stackyard_event_age_seconds_count 2",
    ]);
  });

  it("are limited in number, whatever names users give, and lose no count", () => {
    const { count, list } = createPrometheusMetrics({ mostSeries: 2 });

    for (const machine of ["a", "b", "c", "d"]) count("sent_tasks", 1, { machine });

    expect(linesOf(list(), "stackyard_sent_tasks_total")).toEqual([
      'stackyard_sent_tasks_total{machine="a"} 1',
      'stackyard_sent_tasks_total{machine="b"} 1',
      'stackyard_sent_tasks_total{machine="other"} 2',
    ]);
  });

  it("ignore labels that the table does not have, gauges, and values that are not numbers", () => {
    const { count, list } = createPrometheusMetrics();
    const before = toExposition(list());

    count("dead_lettered_events", 0, { machine: "app" });
    count("stalled_stacks", 1);
    count("event_age_seconds", Number.NaN);

    expect(toExposition(list())).toBe(before);
  });
});

it("shows the gauges of a yard, also those without stacks", async () => {
  const metrics = await loadYardMetrics(createMemoryStore(), 0);

  expect(linesOf(metrics, "stackyard_stacks_in_condition")).toContain(
    'stackyard_stacks_in_condition{condition="failed"} 0',
  );
  const gauges = Object.entries(METRICS).filter(([, { kind }]) => kind === "gauge");
  expect(metrics.map(({ name }) => name)).toEqual(gauges.map(([name]) => `stackyard_${name}`));
});

it("measures the process itself under names of the table", () => {
  const { list, stop } = startProcessMetrics();

  const names = list().map(({ name }) => name);
  stop();

  expect(names).toContain("process_resident_memory_bytes");
  expect(names.filter((name) => !Object.hasOwn(PROMETHEUS_METRICS, name))).toEqual([]);
});

it("gives no name at /metrics twice", () => {
  const names = [
    ...Object.keys(METRICS).map((name) => toPrometheusName(name as MetricName)),
    ...Object.keys(PROMETHEUS_METRICS),
  ];

  expect(new Set(names).size).toBe(names.length);
});
