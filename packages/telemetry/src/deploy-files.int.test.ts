import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { METRICS, type MetricName } from "./metrics.ts";
import { PROMETHEUS_METRICS, toPrometheusName } from "./prometheus.ts";

const deploy = fileURLToPath(new URL("../../../deploy/", import.meta.url));
const read = (path: string) => readFileSync(join(deploy, path), "utf8");
const names = Object.keys(METRICS).filter((name): name is MetricName => Object.hasOwn(METRICS, name));
const known = new Set([...names.map(toPrometheusName), ...Object.keys(PROMETHEUS_METRICS)]);
const parts = /\b(?:stackyard|process|nodejs)_[a-z0-9_]+/g;

describe.each(["prometheus/alerts.yaml", "grafana/stackyard.json"])("deploy/%s", (path) => {
  it("reads only metrics that exist", () => {
    const used = new Set(read(path).match(parts));

    const unknown = [...used].filter(
      (name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, "")),
    );

    expect([used.size > 5, unknown]).toEqual([true, []]);
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
const each = 'yard="main", instance="a"';
const up = (instance: string, values: string) => ({
  series: `up{job="stackyard-server", instance="${instance}", yard="main"}`,
  values,
});
const one = (series: string, values: string) => [{ series, values }];

/** For each alert: what is measured each minute, when it is quiet, and when it fires. */
const CASES: readonly (readonly [alert: string, series: readonly object[], quiet: string, firing: string])[] = [
  ["StackyardDown", [up("a", "1 0x20"), up("b", "0x20")], "1m", "4m"],
  ["StackyardProcessDown", [up("a", "1x20"), up("b", "1 0x20")], "5m", "7m"],
  ["StackyardNoWorker", one(`stackyard_worker_capacity{${each}}`, "8 0x20"), "5m", "7m"],
  ["StackyardEventsWait", one(`stackyard_oldest_event_age_seconds{${each}}`, "0+60x20"), "7m", "9m"],
  ["StackyardTasksWait", one(`stackyard_oldest_task_age_seconds{${each}}`, "0+60x40"), "20m", "22m"],
  ["StackyardStacksFailed", one(`stackyard_stacks_in_condition{condition="failed", ${each}}`, "0 1x30"), "10m", "12m"],
  [
    "StackyardStacksStuck",
    one(`stackyard_stacks_needing_person{condition="overdue", ${each}}`, "0 2x30"),
    "15m",
    "17m",
  ],
  [
    "StackyardTasksFailOften",
    [
      ...one(`stackyard_task_failures_total{machine="app", code="A", ${each}}`, "0+0x10 1+1x10"),
      ...one(`stackyard_sent_tasks_total{machine="app", ${each}}`, "0+1x20"),
    ],
    "10m",
    "19m",
  ],
  [
    // All tasks of a known machine fail between two scrapes: the code is a new series, which does not begin with 0.
    "StackyardTasksFailOften",
    [
      ...one(`stackyard_task_failures_total{machine="jobs", code="none", ${each}}`, "0x30"),
      ...one(`stackyard_task_failures_total{machine="jobs", code="LAMBDA_FUNCTION_ERROR", ${each}}`, "_x8 4x22"),
      ...one(`stackyard_sent_tasks_total{machine="jobs", ${each}}`, "0x7 4x22"),
      // Another machine, of whose tasks fewer fail; and one whose process is started again.
      ...one(`stackyard_task_failures_total{machine="calm", code="A", ${each}}`, "0x7 4x22"),
      ...one(`stackyard_sent_tasks_total{machine="calm", ${each}}`, "0x7 40x22"),
      ...one(`stackyard_task_failures_total{machine="old", code="A", ${each}}`, "90x7 0x22"),
      ...one(`stackyard_sent_tasks_total{machine="old", ${each}}`, "90x7 0x22"),
    ],
    "7m",
    "10m",
  ],
  ["StackyardDeadLetters", one(`stackyard_dead_lettered_events_total{${each}}`, "0x5 1x20"), "5m", "7m"],
  [
    "StackyardRequestsFail",
    [
      ...one(`stackyard_http_request_duration_seconds_count{status="200", ${each}}`, "0+60x30"),
      ...one(`stackyard_http_request_duration_seconds_count{status="503", ${each}}`, "0x9 0+9x20"),
    ],
    "9m",
    "20m",
  ],
];

it("tries every alert of deploy/prometheus/alerts.yaml", () => {
  const alerts = [...read("prometheus/alerts.yaml").matchAll(/- alert: (\w+)/g)].map(([, name]) => name);

  expect([...new Set(CASES.map(([alert]) => alert))]).toEqual(alerts);
});

// promtool comes with Debian's package prometheus; where it is absent, only these two tests are left out.
describe.skipIf(!hasPromtool)("promtool", () => {
  it("accepts the rules and the example of a configuration", () => {
    const folder = mkdtempSync(join(tmpdir(), "stackyard-prometheus-"));
    cpSync(join(deploy, "prometheus"), folder, { recursive: true });
    writeFileSync(join(folder, "stackyard-token"), "secret");

    const file = join(folder, "prometheus.yaml");
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "config", file], { encoding: "utf8" });
    rmSync(folder, { recursive: true });

    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("10 rules found")]);
  });

  it("sees each alert quiet at first, and then firing", () => {
    const folder = mkdtempSync(join(tmpdir(), "stackyard-alerts-"));
    const file = join(folder, "test.yaml");
    const tests = CASES.map(([alert, input_series, quiet, firing]) => {
      const expr = `count(ALERTS{alertname="${alert}", alertstate="firing"})`;
      const promql_expr_test = [
        { expr, eval_time: quiet, exp_samples: [] },
        { expr, eval_time: firing, exp_samples: [{ labels: "{}", value: 1 }] },
      ];
      return { name: alert, interval: "1m", input_series, promql_expr_test };
    });
    const rule_files = [join(deploy, "prometheus/alerts.yaml")];
    writeFileSync(file, JSON.stringify({ rule_files, evaluation_interval: "1m", tests }));

    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    rmSync(folder, { recursive: true });

    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });
});
