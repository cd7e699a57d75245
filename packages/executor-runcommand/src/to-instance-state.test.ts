import { describe, expect, it } from "vitest";
import { toInstanceState } from "./to-instance-state.ts";

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
    ["InvalidPlatform", "failed", "COMMAND_FAILED"],
    ["Access Denied", "failed", "COMMAND_FAILED"],
    ["", "failed", "COMMAND_FAILED"],
  ])("takes %j as %s", (detailedStatus, state, code) => {
    expect(toInstanceState(detailedStatus)).toEqual(code === undefined ? { state } : { state, code });
  });
});
