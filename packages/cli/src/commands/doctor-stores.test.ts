import { describe, expect, it } from "vitest";
import { evaluateProcesses } from "./doctor-stores.ts";

const aProcess = (role: "engine" | "worker", more: object = {}) => ({
  id: "1",
  roles: [role],
  version: "0.1.0",
  host: "blue",
  capacity: 8,
  running: 0,
  draining: false,
  gone: false,
  executors: role === "worker" ? ["terraform"] : [],
  startedAt: 0,
  seenAt: 0,
  ...more,
});
const judge = (processes: readonly ReturnType<typeof aProcess>[], ...used: string[]) =>
  evaluateProcesses(processes, new Set(used)).map(({ check, status, message }) => `${check} ${status}: ${message}`);

describe("evaluateProcesses", () => {
  it("is content with a server and a worker for every executor that is used", () => {
    expect(judge([aProcess("engine"), aProcess("worker")], "terraform")).toEqual([
      "processes ok: 1 server, 1 worker, version 0.1.0.",
    ]);
  });

  it("reports what waits because a process is missing", () => {
    expect(judge([], "terraform", "lambda")).toEqual([
      "processes warn: 0 servers, 0 workers: no process applies events.",
      "workers warn: No worker runs tasks of lambda, terraform, so they wait.",
    ]);
  });

  it("reports two versions that run together", () => {
    const lines = judge([aProcess("engine", { version: "0.2.0" }), aProcess("worker")]);

    expect(lines).toContain("versions warn: 0.1.0 and 0.2.0 run at the same time.");
  });
});
