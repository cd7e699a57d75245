import { DescribeLifecycleHooksCommand, PutLifecycleHookCommand } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-scaling-world.ts";

const LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING";

async function createHooks() {
  const { client, create, clock, sim } = await createScalingWorld();
  await create();
  const about = { AutoScalingGroupName: "web", LifecycleHookName: "ready", LifecycleTransition: LAUNCHING };
  return {
    clock,
    sim,
    put: (input: object = {}) => client.send(new PutLifecycleHookCommand({ ...about, ...input })),
    list: async (LifecycleHookNames?: string[]) => {
      const asked = { AutoScalingGroupName: "web", LifecycleHookNames };
      return (await client.send(new DescribeLifecycleHooksCommand(asked))).LifecycleHooks ?? [];
    },
  };
}

describe("PutLifecycleHook", () => {
  it.each([
    ["another transition", { LifecycleTransition: "autoscaling:SLEEP" }, "Invalid Lifecycle Transition"],
    ["another result", { DefaultResult: "MAYBE" }, "Invalid DefaultResult: MAYBE"],
    ["a name with spaces", { LifecycleHookName: "a b" }, "lifecycleHookName"],
    ["a heartbeat below 30 seconds", { HeartbeatTimeout: 29 }, "between 30 and 7200"],
    ["a group that is not there", { AutoScalingGroupName: "no" }, "'no' not found"],
  ])("refuses %s", async (_, input, message) => {
    const { put, list } = await createHooks();

    await expect(put(input)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
    expect(await list()).toEqual([]);
  });

  it("takes fifty of a group, and changes one of them after that", async () => {
    const { put, list } = await createHooks();
    for (let index = 0; index < 50; index += 1) await put({ LifecycleHookName: `hook-${index}` });

    await expect(put()).rejects.toMatchObject({ name: "LimitExceededFault" });
    await put({ LifecycleHookName: "hook-7", HeartbeatTimeout: 30 });

    expect(await list(["hook-7", "no"])).toMatchObject([{ HeartbeatTimeout: 30 }]);
  });

  it("keeps role, topic and words for the event", async () => {
    const { put, list, clock, sim } = await createHooks();
    const NotificationTargetARN = "arn:aws:sns:eu-west-1:111122223333:topic";
    const RoleARN = "arn:aws:iam::111122223333:role/hook";
    const NotificationMetadata = "who knows";

    await put({ NotificationTargetARN, RoleARN, NotificationMetadata });
    await clock.advance(60_000);

    expect(await list()).toMatchObject([{ NotificationTargetARN, RoleARN, NotificationMetadata }]);
    expect(sim.eventBridge.waiting[0]?.detail).toMatchObject({ NotificationMetadata });
  });
});
