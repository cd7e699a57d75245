import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aHookEvent, anInstanceEvent, HOOK, INSTANCE_ID } from "../testing/an-instance-event.ts";
import { parseHookEvent, parseInstanceEvent } from "./parse-instance-event.ts";

const home = { account: "123456789012", region: "eu-west-1" };
const withDetail = (detail: unknown) => anInstanceEvent({ detail });

describe("parseInstanceEvent", () => {
  it("considers an instance that runs now", () => {
    expect(parseInstanceEvent(anInstanceEvent(), home)).toEqual({
      kind: "consider",
      instanceId: INSTANCE_ID,
      account: "123456789012",
      region: "eu-west-1",
      time: "2026-11-20T08:30:00Z",
      eventId: "7bf73129-1428-4cd3-a780-95db273d1602",
    });
  });

  it("accepts the short ids of old instances", () => {
    const event = withDetail({ "instance-id": "i-0abcd123", state: "running" });

    expect(parseInstanceEvent(event, home)).toMatchObject({ kind: "consider", instanceId: "i-0abcd123" });
  });

  it.each([
    ["NOT_EC2_STATE_CHANGE", undefined],
    ["NOT_EC2_STATE_CHANGE", null],
    ["NOT_EC2_STATE_CHANGE", "x"],
    ["NOT_EC2_STATE_CHANGE", {}],
    ["NOT_EC2_STATE_CHANGE", anInstanceEvent({ source: "aws.ssm" })],
    ["NOT_EC2_STATE_CHANGE", anInstanceEvent({ "detail-type": "EC2 Spot Instance Interruption Warning" })],
    ["STATE_NOT_RUNNING", withDetail({ "instance-id": INSTANCE_ID, state: "pending" })],
    ["STATE_NOT_RUNNING", withDetail({ "instance-id": INSTANCE_ID, state: "stopping" })],
    ["STATE_NOT_RUNNING", withDetail({ "instance-id": INSTANCE_ID, state: "Running" })],
    ["STATE_NOT_RUNNING", withDetail({ "instance-id": INSTANCE_ID })],
    ["STATE_NOT_RUNNING", withDetail(null)],
    ["INVALID_INSTANCE_ID", withDetail({ state: "running" })],
    ["INVALID_INSTANCE_ID", withDetail({ "instance-id": 7, state: "running" })],
    ["INVALID_INSTANCE_ID", withDetail({ "instance-id": "mi-0abcd1234abcd1234", state: "running" })],
    ["INVALID_INSTANCE_ID", withDetail({ "instance-id": "i-0ABCD1234ABCD1234", state: "running" })],
    ["INVALID_INSTANCE_ID", withDetail({ "instance-id": "i-0abcd1234", state: "running" })],
    ["INVALID_INSTANCE_ID", withDetail({ "instance-id": `${INSTANCE_ID}\n`, state: "running" })],
    ["WRONG_ACCOUNT", anInstanceEvent({ account: "210987654321" })],
    ["WRONG_ACCOUNT", anInstanceEvent({ account: undefined })],
    ["WRONG_REGION", anInstanceEvent({ region: "us-west-2" })],
  ])("ignores with %s: %j", (code, event) => {
    expect(parseInstanceEvent(event, home)).toEqual({ kind: "ignore", code });
  });

  it.each([
    ["the kind before the state", anInstanceEvent({ source: "x", detail: {} }), "NOT_EC2_STATE_CHANGE"],
    ["the state before the id", withDetail({ "instance-id": "x", state: "stopped" }), "STATE_NOT_RUNNING"],
    ["the id before the account", { ...withDetail({ state: "running" }), account: "1" }, "INVALID_INSTANCE_ID"],
    ["the account before the region", anInstanceEvent({ account: "1", region: "x" }), "WRONG_ACCOUNT"],
  ])("judges %s", (_what, event, code) => {
    expect(parseInstanceEvent(event, home)).toEqual({ kind: "ignore", code });
  });

  it("believes the detail, not the resources", () => {
    const event = anInstanceEvent({ resources: ["arn:aws:ec2:eu-west-1:123456789012:instance/i-11111111"] });

    expect(parseInstanceEvent(event, home)).toMatchObject({ instanceId: INSTANCE_ID });
  });

  it("compares no account and no region where none is configured", () => {
    expect(parseInstanceEvent(anInstanceEvent({ account: "210987654321" }))).toMatchObject({ kind: "consider" });
  });

  it("knows an event without an id by what it says", () => {
    expect(parseInstanceEvent(anInstanceEvent({ id: undefined }), home)).toMatchObject({
      eventId: `${INSTANCE_ID}@2026-11-20T08:30:00Z`,
    });
  });

  it("crashes at nothing", () => {
    const fields = fc.record(
      { detail: fc.anything(), account: fc.anything(), id: fc.anything() },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(fc.oneof(fc.anything(), fields.map(anInstanceEvent)), (event) => {
        expect(["ignore", "consider"]).toContain(parseInstanceEvent(event, home).kind);
      }),
    );
  });
});

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
