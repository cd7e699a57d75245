import { addTallies, toTallies } from "@stackyard/core/rollout";
import { describe, expect, it } from "vitest";
import { toMessage, toRow } from "./count-instances.ts";
import { toFailureLines } from "./failure-lines.ts";
import { toInstanceState } from "./instance-state.ts";
import { aMember, anId } from "./testing/a-run.ts";

describe("toInstanceState", () => {
  it.each([
    ["Success", "succeeded", undefined],
    ["Pending", "running", undefined],
    ["In Progress", "running", undefined],
    ["InProgress", "running", undefined],
    ["Delayed", "running", undefined],
    ["Cancelling", "running", undefined],
    ["Cancelled", "cancelled", "CANCELLED"],
    ["Canceled", "cancelled", "CANCELLED"],
    ["Terminated", "cancelled", "TERMINATED"],
    ["Delivery Timed Out", "failed", "DELIVERY_TIMEOUT"],
    ["DeliveryTimedOut", "failed", "DELIVERY_TIMEOUT"],
    ["Execution Timed Out", "failed", "EXECUTION_TIMEOUT"],
    ["ExecutionTimedOut", "failed", "EXECUTION_TIMEOUT"],
    ["Failed", "failed", "COMMAND_FAILED"],
    ["Undeliverable", "failed", "UNDELIVERABLE"],
    ["InvalidPlatform", "failed", "INVALID_PLATFORM"],
    ["Access Denied", "failed", "INSTANCE_ACCESS_DENIED"],
    ["", "failed", "COMMAND_FAILED"],
  ])("takes %j as %s", (detailedStatus, state, code) => {
    expect(toInstanceState(detailedStatus)).toEqual(code === undefined ? { state } : { state, code });
  });
});

const failure = { state: "failed", code: "COMMAND_FAILED" } as const;

describe("toMessage", () => {
  it("says where a run stands", () => {
    const members = [
      aMember(1, { state: "succeeded" }),
      aMember(2, failure),
      aMember(3, { state: "running" }),
      aMember(4),
    ];
    const tally = addTallies(toTallies(members.map(toRow)));

    expect(toMessage(tally)).toBe("2 of 4 instances done: 1 succeeded, 1 failed, 1 running, 1 waiting.");
  });
});

describe("toFailureLines", () => {
  it("shows the code, the exit code and the last words", () => {
    const lines = toFailureLines([
      aMember(1, { ...failure, responseCode: 2, stdoutTail: "out", stderrTail: "a\nfatal: boom\n" }),
      aMember(2, { state: "failed", code: "UNDELIVERABLE", responseCode: -1 }),
      aMember(3, { state: "succeeded" }),
    ]);

    expect(lines).toEqual([`${anId(1)}: COMMAND_FAILED, exit code 2: fatal: boom`, `${anId(2)}: UNDELIVERABLE`]);
  });

  it("does not flood the log", () => {
    const lines = toFailureLines(Array.from({ length: 33 }, (_, number) => aMember(number, failure)));

    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("… and 13 more failed; the report has them all.");
  });
});
