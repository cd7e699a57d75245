import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, RUN_ID, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = {
  document: "AWS-RunShellScript",
  parameters: { commands: ["true"] },
  source: "bootstrap",
};

function boot(fleet: SimFleet, instance: string, config: RunCommandConfig = {}) {
  return fleet.run({ ...shell, instance, ...config });
}

async function refuse(): Promise<never> {
  throw Object.assign(new Error("no"), { name: "InvalidInstanceId", $metadata: { httpStatusCode: 400 } });
}

describe("a run of one instance that has started", () => {
  it("sends at once to an agent that is online", async () => {
    const fleet = aSimFleet();
    const id = fleet.add();
    fleet.add();

    const { step } = await boot(fleet, id);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 1, succeeded: 1 } });
    expect(fleet.sim.ssm.listCommands()).toMatchObject([
      { requestedAt: Date.UTC(2026, 0, 1), invocations: [{ instanceId: id }] },
    ]);
    expect((await fleet.report()).first).toMatchObject({ source: "bootstrap", runId: RUN_ID });
  });

  it("sends nothing in a dry run", async () => {
    const fleet = aSimFleet();
    const id = fleet.add();

    expect((await boot(fleet, id, { dryRun: true })).step).toMatchObject({
      kind: "succeeded",
      outputs: { selected: 1 },
    });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
  });

  it("waits for an agent that registers late", async () => {
    const fleet = aSimFleet();
    const registersAt = fleet.clock.now() + 95_000;
    const id = fleet.add({ registersAt });

    const { step, steps } = await boot(fleet, id);

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(fleet.sim.ssm.listCommands()[0]?.requestedAt).toBe(Date.UTC(2026, 0, 1) + 95_000);
    expect(steps.slice(0, 5).map((each) => each.kind === "running" && each.pollAfterMs)).toEqual([
      5_000, 10_000, 20_000, 30_000, 30_000,
    ]);
  });

  it("waits while EC2 does not know the instance and while it starts", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ visibleAt: fleet.clock.now() + 20_000, state: "pending" });
    fleet.sim.ec2.changeState(id, "running", fleet.clock.now() + 40_000);

    expect((await boot(fleet, id)).step).toMatchObject({ kind: "succeeded" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("gives up when the agent does not come, so that another attempt may help", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ agent: false });

    const { step, elapsedMs } = await boot(fleet, id);

    expect(step).toMatchObject({ kind: "failed", code: "SSM_AGENT_TIMEOUT", retryable: true, outputs: { failed: 1 } });
    expect(elapsedMs).toBe(600_000);
    expect((await fleet.report()).instances).toMatchObject([{ state: "failed", code: "SSM_AGENT_TIMEOUT" }]);
  });

  it("never touches an instance without the tag", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ tags: {} });

    const { step } = await boot(fleet, id);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 0, skipped: 1 } });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
    expect((await fleet.report()).instances).toMatchObject([{ instanceId: id, state: "skipped", code: "TAG_MISSING" }]);
  });

  it("is done when the instance has gone meanwhile", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ agent: false });
    fleet.sim.ec2.changeState(id, "terminated", fleet.clock.now() + 12_000);

    expect((await boot(fleet, id)).step).toMatchObject({ kind: "succeeded", outputs: { selected: 0, skipped: 1 } });
    expect((await fleet.report()).instances).toMatchObject([{ state: "skipped", code: "INSTANCE_GONE" }]);
  });

  it("takes an id that EC2 never knows for gone, after a minute", async () => {
    const fleet = aSimFleet();

    const { step, elapsedMs } = await boot(fleet, "i-00000000000000abc");

    expect(step).toMatchObject({ kind: "succeeded", outputs: { skipped: 1 } });
    expect(elapsedMs).toBe(65_000);
  });

  it("asks again when SSM refuses the instance although its agent was online", async () => {
    const fleet = aSimFleet();
    const id = fleet.add();
    fleet.sim.once("SSM.SendCommand", async () => {
      fleet.sim.ssm.changePing(id, "ConnectionLost");
      fleet.sim.ssm.changePing(id, "Online", fleet.clock.now() + 30_000);
      throw Object.assign(new Error("no"), { name: "InvalidInstanceId", $metadata: { httpStatusCode: 400 } });
    });

    const { step } = await boot(fleet, id);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 1 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it.each([2, 7])(
    "takes %i refusals of an instance whose agent is online for an agent that is not ready",
    async (times) => {
      const fleet = aSimFleet();
      const id = fleet.add();
      for (let count = 0; count < times; count += 1) fleet.sim.once("SSM.SendCommand", refuse);

      expect((await boot(fleet, id)).step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 1 } });
      expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    },
  );

  it("gives up on an instance that SSM refuses until the time for its agent is over", async () => {
    const fleet = aSimFleet();
    const id = fleet.add();
    for (let count = 0; count < 60; count += 1) fleet.sim.once("SSM.SendCommand", refuse);

    const { step } = await boot(fleet, id, { agentTimeout: "2m" });

    expect(step).toMatchObject({ kind: "failed", code: "SSM_AGENT_TIMEOUT", retryable: true });
    expect((await fleet.report()).instances).toMatchObject([{ state: "failed", code: "SSM_AGENT_TIMEOUT" }]);
  });

  it("leaves an instance of another platform than the profile's alone", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ platform: "windows" });
    const artifact = { bucket: "builds", key: "site.zip" };

    const { step } = await fleet.run({ instance: id, profile: "garlc-1", artifact });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 0, skipped: 1 } });
    expect((await fleet.report()).instances).toMatchObject([{ code: "PLATFORM_MISMATCH" }]);
  });
});
