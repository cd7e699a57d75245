import { toExposition } from "@stackyard/telemetry";
import { expect, it } from "vitest";
import { toProcessMetrics } from "./metrics.ts";

it("counts processes by role and version, and what workers can and do run", () => {
  const text = toExposition(
    toProcessMetrics([
      { roles: ["engine"], version: "0.1.0", capacity: 0, running: 0 },
      { roles: ["engine", "worker"], version: "0.2.0", capacity: 8, running: 3 },
      { roles: ["worker"], version: "0.2.0", capacity: 4, running: 4 },
    ]),
  );

  expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
    'stackyard_processes{role="engine",version="0.1.0"} 1',
    'stackyard_processes{role="engine",version="0.2.0"} 1',
    'stackyard_processes{role="worker",version="0.2.0"} 2',
    "stackyard_worker_capacity 12",
    "stackyard_worker_running 7",
  ]);
});
