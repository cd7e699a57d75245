import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import type { RunCommandOptions } from "./document/profile-definition.ts";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };
const targets = [{ key: "tag:Ansible_Roles", values: ["db"] }];

describe("a run over targets", () => {
  it("is one command, whose instances SSM finds and whose limits SSM keeps", async () => {
    const fleet = aSimFleet();
    fleet.addMany(3);
    const ids = fleet.addMany(70, { roles: "db" });

    const { step } = await fleet.run({ ...shell, targets, maxConcurrency: "25%", maxErrors: "10%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 70, succeeded: 70 } });
    expect(fleet.sim.ssm.listCommands()).toMatchObject([{ maxConcurrency: "25%", maxErrors: "10%" }]);
    const { first, instances } = await fleet.report();
    expect(first?.counts).toMatchObject({ selected: 70, succeeded: 70 });
    expect(instances.map(({ instanceId }) => instanceId).toSorted()).toEqual([...ids].toSorted());
  });

  it("counts failures, and says what failed", async () => {
    const fleet = aSimFleet();
    const [bad = ""] = fleet.addMany(5, { roles: "db" });
    fleet.sim.ssm.script(bad, { exitCode: 7, stderr: "disk full" });

    const { step } = await fleet.run({ ...shell, targets, maxErrors: 0 });

    expect(step).toMatchObject({ kind: "failed", code: "COMMAND_FAILED", outputs: { failed: 1, succeeded: 4 } });
    expect((await fleet.report()).instances.find(({ instanceId }) => instanceId === bad)).toMatchObject({
      responseCode: 7,
      stderrTail: "disk full",
    });
  });

  it("fails when SSM finds no instance, unless that is allowed", async () => {
    const fleet = aSimFleet();

    expect((await fleet.run({ ...shell, targets })).step).toMatchObject({ kind: "failed", code: "NO_INSTANCES" });
    const allowed = await fleet.run({ ...shell, targets, allowEmpty: true }, { context: { stackId: "run-2" } });
    expect(allowed.step).toMatchObject({ kind: "succeeded", outputs: { selected: 0 } });
  });

  it("is what many instances with one tag get", async () => {
    const fleet = aSimFleet();
    fleet.addMany(12);

    const { step } = await fleet.run({ ...shell, targetsAbove: 10, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 12, succeeded: 12 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    expect(fleet.sim.ssm.listCommands()[0]?.invocations).toHaveLength(12);
  });

  it.each([
    ["platforms differ", { platform: "windows" as const }, {}],
    ["the selection is narrower than the tag", {}, { select: { platform: "linux" as const } }],
  ])("is not used where %s", async (_why, odd, config) => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    fleet.add(odd);

    await fleet.run({ ...shell, targetsAbove: 10, maxConcurrency: "100%", ...config });

    expect(fleet.sim.ssm.listCommands().length).toBeGreaterThan(1);
  });

  it("is not used where the command holds an inventory and roles differ", async () => {
    const fleet = aSimFleet();
    fleet.addMany(11);
    fleet.add({ roles: "db" });
    const profiles: RunCommandOptions["profiles"] = {
      roles: { kind: "document", document: "AWS-RunShellScript", parameters: { commands: ["@inventory"] } },
    };

    await fleet.run({ profile: "roles", targetsAbove: 10, maxConcurrency: "100%" }, { options: { profiles } });

    expect(fleet.sim.ssm.listCommands().map(({ invocations }) => invocations.length)).toEqual([11, 1]);
  });

  it("waits for what SSM lists late", async () => {
    const fleet = aSimFleet();
    fleet.addMany(12);
    fleet.sim.ssm.set({ invocationLagMs: 8_000 });

    const { step } = await fleet.run({ ...shell, targetsAbove: 10, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 12 } });
  });

  it("does not report instances as healthy that SSM did not find", async () => {
    const fleet = aSimFleet();
    fleet.addMany(12);
    const off = fleet.add({ agent: false });

    const { step } = await fleet.run({ ...shell, targetsAbove: 10, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "failed", code: "SSM_NOT_ONLINE", outputs: { succeeded: 12, failed: 1 } });
    expect((await fleet.report()).instances.find(({ instanceId }) => instanceId === off)).toMatchObject({
      state: "failed",
      code: "SSM_NOT_ONLINE",
    });
  });

  it.each([
    [2, "succeeded"],
    [3, "failed"],
  ])("takes a share of the errors of those whom SSM has found: %i of 20", async (broken, kind) => {
    const fleet = aSimFleet();
    for (const id of fleet.addMany(20, { roles: "db" }).slice(0, broken)) fleet.sim.ssm.script(id, { exitCode: 1 });

    const { step } = await fleet.run({ ...shell, targets, maxErrors: "10%" });

    expect(step).toMatchObject({ kind, outputs: { selected: 20, failed: broken } });
  });

  it("reports those who were not begun because there were too many errors", async () => {
    const fleet = aSimFleet();
    fleet.addMany(20, { roles: "db" });
    fleet.sim.ssm.script("*", { exitCode: 1 });

    const { step } = await fleet.run({ ...shell, targets, maxConcurrency: "2", maxErrors: "1" });

    expect(step).toMatchObject({ kind: "failed" });
    const { instances } = await fleet.report();
    expect(instances.some(({ state }) => state === "running")).toBe(false);
  });
});
