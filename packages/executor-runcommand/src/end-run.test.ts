import { describe, expect, it } from "vitest";
import { toCounts } from "./count-instances.ts";
import { findFailure } from "./end-run.ts";
import { noteStopped, tallyOf } from "./fleet-run.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { aMember, aRun } from "./testing/a-run.ts";

const ok: Partial<FleetInstanceReport> = { state: "succeeded" };
const bad: Partial<FleetInstanceReport> = { state: "failed", code: "COMMAND_FAILED" };
const off: Partial<FleetInstanceReport> = { state: "failed", code: "UNDELIVERABLE" };

function aRunOf(outcomes: readonly Partial<FleetInstanceReport>[], state = {}) {
  return aRun(
    outcomes.map((outcome, number) => aMember(number, outcome)),
    state,
  );
}

function judge(outcomes: readonly Partial<FleetInstanceReport>[], state = {}, ignoreUnreachable = false) {
  const run = aRunOf(outcomes, state);
  return findFailure(run.state, tallyOf(run), { ignoreUnreachable });
}

describe("findFailure", () => {
  it("succeeds when all did, with a warning if roles are missing", () => {
    expect(judge([ok, { ...ok, code: "NO_ROLES" }])).toBeUndefined();
  });

  it("fails with one more failure than the limit", () => {
    expect(judge([ok, bad, bad], { maxErrors: 2 })).toBeUndefined();
    expect(judge([ok, bad, bad], { maxErrors: 1 })).toEqual({
      code: "COMMAND_FAILED",
      message: "2 of 3 instances failed (2 × COMMAND_FAILED).",
      retryable: false,
    });
  });

  it("names what failed before what that brought about", () => {
    const ended: Partial<FleetInstanceReport> = { state: "cancelled", code: "TERMINATED" };

    expect(judge([ended, bad, ended, ended])).toMatchObject({
      code: "COMMAND_FAILED",
      message: "4 of 4 instances failed (1 × COMMAND_FAILED, 3 × TERMINATED).",
    });
  });

  it("fails a fleet that is switched off, unless unreachable instances are ignored", () => {
    expect(judge([off, off])).toMatchObject({ code: "UNDELIVERABLE" });
    expect(judge([off, off], {}, true)).toBeUndefined();
    expect(judge([off, bad], {}, true)).toMatchObject({ retryable: false });
  });

  it("names the code that most of the failed have", () => {
    expect(judge([off, bad, off])).toMatchObject({
      code: "UNDELIVERABLE",
      message: "3 of 3 instances failed (2 × UNDELIVERABLE, 1 × COMMAND_FAILED).",
    });
  });

  it("counts what was ended with its command as failed", () => {
    expect(judge([ok, { state: "cancelled", code: "TERMINATED" }])).toMatchObject({ code: "TERMINATED" });
  });

  it("says how many were not sent to, and why", () => {
    const stop = { code: "MAX_ERRORS_EXCEEDED", message: "1 error exceeds the limit of 0.", retryable: false };
    const run = noteStopped(aRunOf([bad, {}, {}]), stop);

    expect(findFailure(run.state, tallyOf(run), { ignoreUnreachable: false })).toMatchObject({
      code: "COMMAND_FAILED",
      message: "1 of 3 instances failed (1 × COMMAND_FAILED). 2 were not sent to. 1 error exceeds the limit of 0.",
    });
  });

  it("passes on why a command was rejected, and that a retry helps", () => {
    const refused = { state: "not-sent", code: "NOT_SENT", detailedStatus: "SSM_THROTTLED" } as const;
    const stop = { code: "SSM_THROTTLED", message: "SSM throttles.", retryable: true };

    expect(judge([ok, refused], { stop, maxErrors: 5 })).toMatchObject({ code: "SSM_THROTTLED", retryable: true });
    expect(toCounts(tallyOf(aRunOf([ok, refused])))).toMatchObject({ selected: 2, failed: 0, notSent: 1 });
  });

  it("ends a cancelled run as cancelled, whatever succeeded", () => {
    expect(judge([ok], { cancelledAt: 1 })).toMatchObject({ code: "RUN_CANCELLED" });
    expect(judge([ok, { state: "running" }], { cancelledAt: 1 })).toMatchObject({
      message: expect.stringContaining("1 still run"),
    });
  });
});
