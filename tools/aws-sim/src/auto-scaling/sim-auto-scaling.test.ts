import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  RecordLifecycleActionHeartbeatCommand,
} from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

const HOUR = 3_600_000;
const ID = "i-0123456789abcdef0";

function createHook(options: object = {}) {
  const world = createWorld();
  const hook = { account: ACCOUNT, region: "eu-west-1", group: "web", name: "configure", ...options };
  world.sim.autoScaling.addHook(hook);
  const { token, event } = world.sim.autoScaling.beginAction({ hook, instanceId: ID });
  const client = world.client(AutoScalingClient);
  const about = { AutoScalingGroupName: "web", LifecycleHookName: "configure" };
  const complete = (LifecycleActionResult: string, by: object = { LifecycleActionToken: token }) =>
    client.send(new CompleteLifecycleActionCommand({ ...about, LifecycleActionResult, ...by }));
  const heartbeat = () =>
    client.send(new RecordLifecycleActionHeartbeatCommand({ ...about, LifecycleActionToken: token }));
  const view = () => world.sim.autoScaling.findAction(token);
  return { ...world, token, event, complete, heartbeat, view };
}

describe("a lifecycle action", () => {
  it("describes itself", () => {
    const { event, token } = createHook();

    expect(event).toMatchObject({
      source: "aws.autoscaling",
      "detail-type": "EC2 Instance-launch Lifecycle Action",
      detail: {
        LifecycleActionToken: token,
        LifecycleHookName: "configure",
        EC2InstanceId: ID,
        AutoScalingGroupName: "web",
      },
    });
  });

  it.each(["CONTINUE", "ABANDON"])("ends once with %s", async (result) => {
    const { complete, view, token } = createHook();

    await complete(result);

    expect(view()).toMatchObject({ state: result, timedOut: false });
    await expect(complete(result)).rejects.toMatchObject({
      name: "ValidationError",
      message: `No active Lifecycle Action found with token ${token}`,
    });
  });

  it("is found by its instance too", async () => {
    const { complete, view } = createHook();

    await expect(complete("CONTINUE", { InstanceId: "i-00000001" })).rejects.toMatchObject({
      message: "No active Lifecycle Action found with instance ID i-00000001",
    });
    await complete("CONTINUE", { InstanceId: ID });

    expect(view()?.state).toBe("CONTINUE");
  });

  it("times out into the hook's default", async () => {
    const { clock, view, complete } = createHook();

    await clock.advance(HOUR - 1);
    expect(view()?.state).toBe("waiting");
    await clock.advance(1);

    expect(view()).toMatchObject({ state: "ABANDON", timedOut: true });
    await expect(complete("CONTINUE")).rejects.toMatchObject({ name: "ValidationError" });
  });

  it("waits on with each heartbeat, up to 48 hours", async () => {
    const { clock, heartbeat, view } = createHook({ defaultResult: "CONTINUE" });
    for (let count = 0; count < 48; count += 1) {
      await clock.advance(HOUR - 1);
      await heartbeat();
    }

    expect(view()).toMatchObject({ state: "waiting", heartbeats: 48 });
    await clock.advance(48);

    expect(view()).toMatchObject({ state: "CONTINUE", timedOut: true });
  });

  it("refuses other results, groups and hooks", async () => {
    const { complete } = createHook();

    await expect(complete("MAYBE")).rejects.toMatchObject({ name: "ValidationError" });
    await expect(complete("CONTINUE", { LifecycleHookName: "x", InstanceId: ID })).rejects.toMatchObject({
      message: "No Lifecycle Hook found with name: x and Auto Scaling group: web",
    });
  });
});
