import { describe, expect, it } from "vitest";
import { judgeProcesses } from "./doctor-stores.ts";

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
  judgeProcesses(processes, new Set(used)).map(({ check, status, message }) => `${check} ${status}: ${message}`);

describe("judgeProcesses", () => {
  it("is content with a server and a worker for every executor that is used", () => {
    expect(judge([aProcess("engine"), aProcess("worker")], "terraform")).toEqual([
      "processes ok: 1 server, 1 worker, version 0.1.0.",
    ]);
  });

  it("tells what waits because nobody is there", () => {
    expect(judge([], "terraform", "lambda")).toEqual([
      "processes warn: 0 servers, 0 workers: nobody applies events.",
      "workers warn: Nobody runs tasks of lambda, terraform: they wait.",
    ]);
  });

  it("tells two versions side by side", () => {
    const lines = judge([aProcess("engine", { version: "0.2.0" }), aProcess("worker")]);

    expect(lines).toContain("versions warn: 0.1.0 and 0.2.0 run side by side.");
  });
});
