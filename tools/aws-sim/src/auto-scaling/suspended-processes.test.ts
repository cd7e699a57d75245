import {
  DeleteAutoScalingGroupCommand,
  ResumeProcessesCommand,
  SetInstanceProtectionCommand,
  SuspendProcessesCommand,
  UpdateAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

const GROUP = { AutoScalingGroupName: "web" };

async function createGroup(script: object = { bootMs: 0 }) {
  const world = await createScalingWorld();
  world.sim.autoScaling.script("web", script);
  await world.create({ MaxSize: 4 });
  await world.clock.advance(60_000);
  const ids = async () => ((await world.find())?.Instances ?? []).map(({ InstanceId = "" }) => InstanceId);
  const suspend = (...ScalingProcesses: string[]) =>
    world.client.send(new SuspendProcessesCommand({ ...GROUP, ScalingProcesses }));
  async function scaleTo(desired: number): Promise<readonly string[]> {
    await world.client.send(new UpdateAutoScalingGroupCommand({ ...GROUP, MinSize: 0, DesiredCapacity: desired }));
    await world.clock.advance(600_000);
    return ids();
  }
  return { ...world, ids, suspend, scaleTo };
}

describe("suspended processes", () => {
  it("are listed, and all of them without names", async () => {
    const { find, suspend, client } = await createGroup();

    await suspend("Launch");
    expect((await find())?.SuspendedProcesses).toMatchObject([{ ProcessName: "Launch" }]);
    await client.send(new SuspendProcessesCommand(GROUP));
    expect((await find())?.SuspendedProcesses).toHaveLength(9);
    await expect(suspend("Sleep")).rejects.toMatchObject({ message: "Sleep is not a valid ScalingProcess" });
  });

  it.each([
    ["Launch", 3],
    ["Terminate", 0],
  ])("%s: the capacity stays until it is resumed", async (process, desired) => {
    const { ids, suspend, scaleTo, client, clock } = await createGroup();
    const before = await ids();
    await suspend(process);

    expect(await scaleTo(desired)).toEqual(before);
    await client.send(new ResumeProcessesCommand({ ...GROUP, ScalingProcesses: [process] }));
    await clock.advance(600_000);
    expect(await ids()).toHaveLength(desired);
  });

  it.each(["ReplaceUnhealthy", "HealthCheck", "Terminate"])(
    "%s: what is unhealthy is not replaced",
    async (process) => {
      const { ids, suspend, clock } = await createGroup({ bootMs: 0, diesAfterMs: 120_000 });
      const before = await ids();
      await suspend(process);
      await clock.advance(900_000);

      expect(await ids()).toEqual(before);
    },
  );

  it("Terminate: a deletion by force ends the instances", async () => {
    const { ids, suspend, client, clock } = await createGroup();
    await suspend("Terminate");
    await client.send(new DeleteAutoScalingGroupCommand({ ...GROUP, ForceDelete: true }));
    await clock.advance(900_000);

    expect(await ids()).toEqual([]);
  });
});

describe("SetInstanceProtection", () => {
  it("keeps instances from a scale-in until it is taken back", async () => {
    const { ids, scaleTo, client, clock } = await createGroup();
    const InstanceIds = [...(await ids())];
    const protect = (ProtectedFromScaleIn: boolean) =>
      client.send(new SetInstanceProtectionCommand({ ...GROUP, InstanceIds, ProtectedFromScaleIn }));
    await protect(true);

    expect(await scaleTo(0)).toEqual(InstanceIds);
    await protect(false);
    await clock.advance(600_000);
    expect(await ids()).toEqual([]);
  });
});
