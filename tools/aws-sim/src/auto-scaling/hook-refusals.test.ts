import { DescribeLifecycleHooksCommand } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

async function createHooks() {
  const { client, create, clock, sim } = await createScalingWorld();
  const hook = { LifecycleHookName: "ready", LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING" };
  return {
    clock,
    sim,
    put: (input: object = {}) => create({ LifecycleHookSpecificationList: [{ ...hook, ...input }] }),
    list: async (LifecycleHookNames?: string[]) => {
      const asked = { AutoScalingGroupName: "web", LifecycleHookNames };
      return (await client.send(new DescribeLifecycleHooksCommand(asked))).LifecycleHooks ?? [];
    },
  };
}

describe("a hook of a new group", () => {
  it.each([
    ["another transition", { LifecycleTransition: "autoscaling:SLEEP" }, "Invalid Lifecycle Transition"],
    ["another result", { DefaultResult: "MAYBE" }, "Invalid DefaultResult: MAYBE"],
    ["a name with spaces", { LifecycleHookName: "a b" }, "lifecycleHookName"],
    ["a heartbeat below 30 seconds", { HeartbeatTimeout: 29 }, "between 30 and 7200"],
    ["a topic without a role", { NotificationTargetARN: "arn:aws:sns:eu-west-1:111122223333:t" }, "RoleARN"],
  ])("cannot have %s", async (_, input, message) => {
    const { put } = await createHooks();

    await expect(put(input)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
  });

  it("keeps role, topic and words for the event", async () => {
    const { put, list, clock, sim } = await createHooks();
    const NotificationTargetARN = "arn:aws:sns:eu-west-1:111122223333:topic";
    const RoleARN = "arn:aws:iam::111122223333:role/hook";
    const NotificationMetadata = "who knows";

    await put({ NotificationTargetARN, RoleARN, NotificationMetadata });
    await clock.advance(60_000);

    expect(await list(["ready", "no"])).toMatchObject([{ NotificationTargetARN, RoleARN, NotificationMetadata }]);
    expect(sim.eventBridge.waiting[0]?.detail).toMatchObject({ NotificationMetadata });
  });
});
