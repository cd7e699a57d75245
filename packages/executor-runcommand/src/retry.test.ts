import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, RUN_ID, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };
const second = { attempt: { id: "a2", number: 2, token: 1 } };

function sentTo(fleet: SimFleet): readonly (readonly string[])[] {
  return fleet.sim.ssm.listCommands().map(({ invocations }) => invocations.map(({ instanceId }) => instanceId));
}

describe("a run that is tried again", () => {
  it("sends to exactly those that failed, under the same id", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(6);
    const [bad = "", , worse = ""] = ids;
    fleet.sim.ssm.script(bad, { exitCode: 1 }, {});
    fleet.sim.ssm.script(worse, { runsForMs: Number.POSITIVE_INFINITY }, {});
    await fleet.run({ ...shell, timeout: "1m" });

    const { step } = await fleet.run({ ...shell, timeout: "1m" }, { context: second });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { runId: RUN_ID, selected: 6, succeeded: 6, failed: 0 } });
    expect(sentTo(fleet)).toEqual([ids, [bad, worse]]);
    const { instances } = await fleet.report();
    expect(instances[0]).toMatchObject({ instanceId: bad, state: "succeeded" });
    expect(instances[0]).not.toHaveProperty("code");
  });

  it("also sends to those that were never sent to", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(4);
    fleet.sim.ssm.script(ids[0] ?? "", { exitCode: 1 }, {});
    await fleet.run({ ...shell, maxConcurrency: 1 });

    const { step } = await fleet.run({ ...shell, maxConcurrency: 4 }, { context: second });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 4 } });
    expect(sentTo(fleet)).toEqual([[ids[0]], ids]);
  });

  it("leaves out instances that are gone since", async () => {
    const fleet = aSimFleet();
    const [bad = ""] = fleet.addMany(3);
    fleet.sim.ssm.script(bad, { exitCode: 1 });
    await fleet.run(shell);
    fleet.sim.ec2.changeState(bad, "stopped");

    const { step } = await fleet.run(shell, { context: second });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 2, skipped: 1 } });
    expect((await fleet.report()).instances[0]).toMatchObject({ state: "skipped", code: "STATE_NOT_RUNNING" });
  });

  it("knows which instances SSM had found by targets", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(3, { tags: {}, roles: "db" });
    fleet.sim.ssm.script(ids[1] ?? "", { exitCode: 1 }, {});
    const config = { ...shell, targets: [{ key: "tag:Ansible_Roles", values: ["db"] }] };
    await fleet.run(config);

    const { step } = await fleet.run(config, { context: second });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 3, succeeded: 3 } });
    expect(sentTo(fleet)[1]).toEqual([ids[1]]);
  });

  it("selects again if no instance was found", async () => {
    const fleet = aSimFleet();
    await fleet.run(shell);
    fleet.addMany(2);

    expect((await fleet.run(shell, { context: second })).step).toMatchObject({
      kind: "succeeded",
      outputs: { selected: 2 },
    });
  });
});

describe("a run of given instances", () => {
  it("sends to exactly those, as far as they are there and may be touched", async () => {
    const fleet = aSimFleet();
    const [one = "", , three = ""] = fleet.addMany(4);
    const untagged = fleet.add({ tags: {} });
    const gone = "i-00000000000000abc";

    const { step } = await fleet.run({ ...shell, instanceIds: [three, one, untagged, gone] });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 2, skipped: 2 } });
    expect(sentTo(fleet)).toEqual([[three, one]]);
    expect((await fleet.report()).instances.slice(2)).toMatchObject([
      { instanceId: untagged, state: "skipped", code: "TAG_MISSING" },
      { instanceId: gone, state: "skipped", code: "INSTANCE_GONE" },
    ]);
  });

  it("works once on an instance that is named twice", async () => {
    const fleet = aSimFleet();
    const [one = "", two = ""] = fleet.addMany(2);

    const { step } = await fleet.run({ ...shell, instanceIds: [one, two, one] });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 2, skipped: 1 } });
    expect(sentTo(fleet)).toEqual([[one, two]]);
    expect((await fleet.report()).instances.at(-1)).toMatchObject({ state: "skipped", code: "DUPLICATE" });
  });
});
