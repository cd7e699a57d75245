import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { METRICS, type MetricDefinition } from "./metrics.ts";

/** What only a server has: itself. */
const OF_SERVERS = ["info", "processes", "worker_capacity", "worker_running", "http_request_duration_seconds"];

it("names and describes what a server shows at /metrics as the server does", () => {
  const text = readFileSync(new URL("../../server/src/metrics.ts", import.meta.url), "utf8");
  const pattern = /"stackyard_([a-z_]+)",\s+(?:help: )?"([^"]+)"/g;
  const shown = [...text.matchAll(pattern)].map(([, name = "", help = ""]) => [name, help] as const);

  const table: Readonly<Record<string, MetricDefinition>> = METRICS;
  const own = shown
    .filter(([name]) => !OF_SERVERS.includes(name))
    .map(([name, help]) => [name, table[name]?.help, help]);

  expect(own.length).toBeGreaterThan(5);
  for (const [name, ours, theirs] of own) expect([name, ours]).toEqual([name, theirs]);
});
