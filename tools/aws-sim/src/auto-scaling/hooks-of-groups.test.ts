import {
  CompleteLifecycleActionCommand,
  DescribeLifecycleHooksCommand,
  RecordLifecycleActionHeartbeatCommand,
} from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

const SECOND = 1_000;
const LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";

async function createHooked(LifecycleTransition: string, hook: object = {}) {
  const world = await createScalingWorld();
  const { client, create, sim, find } = world;
  const specification = { LifecycleHookName: "ready", LifecycleTransition, HeartbeatTimeout: 60, ...hook };
  await create({ LifecycleHookSpecificationList: [specification], DesiredCapacity: 1 });
  sim.autoScaling.script("web", { bootMs: 0 });
  const about = { AutoScalingGroupName: "web", LifecycleHookName: "ready" };
  const instance = async () => ({ InstanceId: (await find())?.Instances?.[0]?.InstanceId });
  return {
    ...world,
    complete: async (LifecycleActionResult: string) =>
      client.send(new CompleteLifecycleActionCommand({ ...about, LifecycleActionResult, ...(await instance()) })),
    beat: async () => client.send(new RecordLifecycleActionHeartbeatCommand({ ...about, ...(await instance()) })),
    hooks: async () =>
      (await client.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: "web" }))).LifecycleHooks,
  };
}

describe("a launching hook", () => {
  it("holds an instance until its action is completed", async () => {
    const { clock, complete, states, activities } = await createHooked(LAUNCHING);
    await clock.advance(SECOND);
    const waiting = [await states(), (await activities())[0]?.StatusCode];

    await complete("CONTINUE");

    expect(waiting).toEqual([["Pending:Wait"], "MidLifecycleAction"]);
    expect([await states(), (await activities())[0]?.StatusCode]).toEqual([["InService"], "Successful"]);
  });

  it("replaces an instance whose action is abandoned, and says so", async () => {
    const { clock, complete, states, activities } = await createHooked(LAUNCHING);
    await clock.advance(SECOND);

    await complete("ABANDON");

    expect(await states()).toEqual(["Terminating"]);
    const launch = (await activities()).find(({ Description }) => Description?.startsWith("Launching"));
    expect(launch).toMatchObject({
      StatusCode: "Cancelled",
      StatusMessage: expect.stringMatching(
        /^Instance failed to complete user's Lifecycle Action: .* was abandoned: Lifecycle Action Completed with ABANDON Result$/,
      ),
    });
    await clock.advance(SECOND);
    expect(await states()).toEqual(["Terminating", "Pending:Wait"]);
  });

  it.each([
    ["ABANDON", "Terminating"],
    ["CONTINUE", "InService"],
  ])("times out into %s, later with a heartbeat", async (DefaultResult, expected) => {
    const { clock, beat, states } = await createHooked(LAUNCHING, { DefaultResult });
    await clock.advance(31 * SECOND);
    await beat();

    await clock.advance(59 * SECOND);
    const late = await states();
    await clock.advance(SECOND);

    expect([late, (await states())?.[0]]).toEqual([["Pending:Wait"], expected]);
  });

  it("sends an event to EventBridge for each instance", async () => {
    const { clock, states, sim } = await createHooked(LAUNCHING);
    await clock.advance(SECOND);
    await states();

    const [event] = sim.eventBridge.waiting;

    expect(event).toMatchObject({
      "detail-type": "EC2 Instance-launch Lifecycle Action",
      detail: { LifecycleHookName: "ready", Origin: "EC2", Destination: "AutoScalingGroup" },
    });
  });
});

describe("a terminating hook", () => {
  it.each(["CONTINUE", "ABANDON"])("holds an instance until %s, and then it goes", async (result) => {
    const { clock, complete, update, states } = await createHooked(TERMINATING);
    await clock.advance(SECOND);
    await update({ DesiredCapacity: 0 });
    await clock.advance(SECOND);
    const waiting = await states();

    await complete(result);
    const going = await states();
    await clock.advance(30 * SECOND);

    expect([waiting, going, await states()]).toEqual([["Terminating:Wait"], ["Terminating:Proceed"], []]);
  });

  it("lets go after its heartbeat", async () => {
    const { clock, update, states } = await createHooked(TERMINATING);
    await clock.advance(SECOND);
    await update({ DesiredCapacity: 0 });

    await clock.advance(60 * SECOND);
    const waiting = await states();
    await clock.advance(SECOND);

    expect([waiting, await states()]).toEqual([["Terminating:Wait"], ["Terminating:Proceed"]]);
  });

  it("is skipped when the group is deleted by force", async () => {
    const { clock, remove, states } = await createHooked(TERMINATING);
    await clock.advance(SECOND);

    await remove(true);

    expect(await states()).toEqual(["Terminating"]);
  });
});
