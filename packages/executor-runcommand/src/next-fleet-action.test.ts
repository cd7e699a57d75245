import { describe, expect, it } from "vitest";
import type { FleetInstanceReport } from "./fleet-report.ts";
import { nextFleetAction } from "./next-fleet-action.ts";
import { aMember, aRun, members } from "./testing/a-run.ts";

function act(given: readonly FleetInstanceReport[], status?: string, state = {}) {
  const fleetCommand = status === undefined ? {} : { fleetCommand: { commandId: "c1", status } };
  return nextFleetAction(aRun(given, { way: "targets", ...fleetCommand, ...state }));
}

const done = { state: "succeeded" } as const;

describe("nextFleetAction", () => {
  it("sends one command with the limits as they were written", () => {
    const limits = { maxConcurrency: "10%", maxErrors: "5" };

    expect(act(members(600), undefined, { limits })).toEqual({
      kind: "send",
      chunks: [{ chunk: 1, ids: [], platform: "linux", roles: ["web"], ...limits }],
    });
  });

  it.each(["Pending", "InProgress", "Cancelling", "In Progress"])("watches a command that is %s", (status) => {
    expect(act(members(2, done), status)).toEqual({ kind: "watch" });
  });

  it("settles when the command and its instances have ended", () => {
    expect(act(members(2, done), "Success")).toEqual({ kind: "settle" });
    expect(act(members(2, { state: "running" }), "Success")).toEqual({ kind: "watch" });
  });

  it("misses those whom SSM has not found", () => {
    expect(act([aMember(1, done), aMember(2)], "Success")).toEqual({ kind: "miss" });
  });

  it("drops those who were not begun because there were too many errors", () => {
    const failed = aMember(1, { state: "failed", code: "COMMAND_FAILED" });

    expect(act([failed, aMember(2)], "Failed")).toMatchObject({ kind: "drop", stop: { code: "MAX_ERRORS_EXCEEDED" } });
  });

  it("drops the rest of a command that somebody has cancelled", () => {
    expect(act([aMember(1)], "Cancelled")).toMatchObject({ kind: "drop", stop: { code: "TERMINATED" } });
  });

  it.each([
    ["Rate Exceeded", "SSM_THROTTLED", true],
    ["NoInstancesInTag", "NO_INSTANCES", false],
  ])("does not settle quietly what SSM never began: %s", (status, code, retryable) => {
    expect(act([], status)).toMatchObject({ kind: "drop", stop: { code, retryable } });
    expect(act([], status, { stop: { code, message: "", retryable } })).toEqual({ kind: "settle" });
  });
});
