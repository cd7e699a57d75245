import { readFileSync } from "node:fs";
import { formatVariableTable } from "@stackyard/core/environment";
import { expect, it } from "vitest";
import { TelemetryVariables } from "./telemetry-settings.ts";
import { toMetricTable, toPrometheusTable } from "./testing/metric-table.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

it("lists every metric in the README", () => {
  expect(read("../README.md")).toContain(toMetricTable());
});

it("lists every variable in the README", () => {
  expect(read("../README.md")).toContain(formatVariableTable(TelemetryVariables));
});

it("lists the metrics that exist at /metrics only in the README", () => {
  expect(read("../README.md")).toContain(toPrometheusTable());
});
