import { describe, expect, it } from "vitest";
import { anEvent } from "../../testing/builders.ts";
import { isParked, isParkedCode, type RefusalCode } from "./decision.ts";

const MACHINES_FAULT: readonly RefusalCode[] = [
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
  "PATTERN_NOT_LINEAR",
];
const PARKED: readonly RefusalCode[] = [...MACHINES_FAULT, "EVENT_NOT_HANDLED", "EXPRESSION_FAILED"];
const OTHERS: readonly RefusalCode[] = [
  "EVENT_INVALID",
  "EVENT_RESERVED",
  "EVENT_UNDECLARED",
  "EVENT_METADATA_REQUIRED",
  "METADATA_NOT_FLAT",
  "METADATA_INVALID",
  "METADATA_TOO_LARGE",
  "MACHINE_MISMATCH",
  "CONFIRMATION_REQUIRED",
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
];
const CODES = [...PARKED, ...OTHERS];

describe("isParkedCode", () => {
  it("is true for what a later state, machine or revision may lift", () => {
    expect(CODES.filter(isParkedCode)).toEqual(PARKED);
  });
});

describe("isParked", () => {
  it("keeps events from outside for each of these codes", () => {
    expect(CODES.filter((code) => isParked(anEvent("LAUNCH"), code))).toEqual(PARKED);
  });

  it.each([
    anEvent("TASK_COMPLETED"),
    anEvent("TASK_ERROR"),
    anEvent("TASK_CANCELLED"),
    anEvent("TASK_TIMED_OUT"),
    anEvent("CLOSE", { origin: "timer" }),
  ])("keeps results and timers' events only where the machine is at fault: $name", (event) => {
    expect(CODES.filter((code) => isParked(event, code))).toEqual(MACHINES_FAULT);
  });

  it.each(["RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS", "CANCEL_TASK", "SETTLE_TASK", "REMOVE_STACK", "UPGRADE_STACK"])(
    "never keeps %s, whose sender gets the code",
    (name) => {
      expect(CODES.filter((code) => isParked(anEvent(name), code))).toEqual([]);
    },
  );
});
