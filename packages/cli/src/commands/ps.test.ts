import type { YardProcess } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { formatProcesses } from "./ps.ts";

const at = "2026-01-01T00:00:00.000Z";

function aWorker(overrides: Partial<YardProcess>): YardProcess {
  return {
    id: "01A",
    roles: ["worker"],
    version: "0.1.0",
    host: "blue",
    executors: ["terraform"],
    capacity: 8,
    running: 8,
    draining: false,
    gone: false,
    startedAt: at,
    seenAt: at,
    ...overrides,
  };
}

function tell(worker: YardProcess): string {
  return formatProcesses([worker], { paint: (_style, text) => text, columns: undefined }, Date.parse(at) + 60_000);
}

describe("formatProcesses", () => {
  it("shows how much a live worker does", () => {
    expect(tell(aWorker({}))).toMatch(/01A +worker +8 of 8 /);
  });

  it("shows a dead worker as gone, whatever it did when it died", () => {
    const text = tell(aWorker({ gone: true, draining: true }));

    expect(text).toMatch(/01A +worker +gone /);
    expect(text).not.toMatch(/8 of 8|stops/);
  });
});
