import { describe, expect, it } from "vitest";
import { aHookEvent, anInstanceEvent, HOOK, INSTANCE_ID } from "../testing/an-instance-event.ts";
import { parseHookEvent } from "./parse-hook-event.ts";

const home = { account: "123456789012", region: "eu-west-1" };

describe("parseHookEvent", () => {
  it("considers an instance that waits at launch", () => {
    expect(parseHookEvent(aHookEvent(), home)).toEqual({
      kind: "consider",
      instanceId: INSTANCE_ID,
      account: "123456789012",
      region: "eu-west-1",
      time: "2026-11-20T08:29:50Z",
      eventId: "12345678-1234-1234-1234-123456789012",
      hook: HOOK,
    });
  });

  it.each([
    ["NOT_LAUNCH_HOOK", anInstanceEvent()],
    ["NOT_LAUNCH_HOOK", null],
    ["NOT_LAUNCH_HOOK", aHookEvent({ "detail-type": "EC2 Instance-terminate Lifecycle Action" })],
    ["NOT_LAUNCH_HOOK", aHookEvent({}, { LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING" })],
    ["INVALID_INSTANCE_ID", aHookEvent({}, { EC2InstanceId: "x" })],
    ["WRONG_ACCOUNT", aHookEvent({ account: "210987654321" })],
    ["WRONG_REGION", aHookEvent({ region: "us-west-2" })],
    ["HOOK_INVALID", aHookEvent({}, { LifecycleActionToken: "x" })],
    ["HOOK_INVALID", aHookEvent({}, { AutoScalingGroupName: "" })],
    ["HOOK_INVALID", aHookEvent({}, { LifecycleHookName: "h".repeat(256) })],
  ])("ignores with %s: %j", (code, event) => {
    expect(parseHookEvent(event, home)).toEqual({ kind: "ignore", code });
  });
});
