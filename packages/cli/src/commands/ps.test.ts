import type { YardProcess } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { formatItems } from "./print-list.ts";
import { PROCESSES } from "./ps.ts";

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
  const out = { paint: (_style: string, text: string) => text, columns: undefined };
  return formatItems([worker], PROCESSES, { out, now: Date.parse(at) + 60_000 });
}

describe("the table of processes", () => {
  it("shows how much a live worker does", () => {
    expect(tell(aWorker({}))).toMatch(/01A +worker +8 of 8 /);
  });

  it("shows a dead worker as gone, whatever it did when it died", () => {
    const text = tell(aWorker({ gone: true, draining: true }));

    expect(text).toMatch(/01A +worker +gone /);
    expect(text).not.toMatch(/8 of 8|stops/);
  });

  it("says by how much the clock of a process is ahead", () => {
    expect(tell(aWorker({ aheadMs: 3_600_000 }))).toMatch(/ clock 1h ahead /);
  });
});
