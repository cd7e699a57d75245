import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const MINUTE = 60_000;
const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

/** Lets one of the fleet's commands run without end, and its instance change after half a minute. */
function loseOne(fleet: SimFleet, instanceId: string, state: "terminated" | "stopped"): void {
  fleet.sim.ssm.script(instanceId, { runsForMs: Number.POSITIVE_INFINITY });
  void fleet.clock.sleep(30_000).then(() => fleet.sim.ec2.changeState(instanceId, state));
}

async function findReport(fleet: SimFleet, instanceId: string) {
  return (await fleet.report()).instances.find((each) => each.instanceId === instanceId);
}

// mup-aws-beanstalk#87: SSM keeps saying InProgress until the time of the command is over.
describe("an instance that is gone while it works on the command", () => {
  it.each([
    ["terminated", {}],
    ["stopped", {}],
    ["terminated", { targetsAbove: 1 }],
    ["terminated", { instanceIds: undefined, timeout: "48h" }],
  ] as const)("is reported within minutes: %s, %j", async (state, config) => {
    const fleet = aSimFleet();
    const [gone = ""] = fleet.addMany(3);
    loseOne(fleet, gone, state);

    const { step, elapsedMs } = await fleet.run({ ...shell, maxConcurrency: "100%", ...config } as RunCommandConfig);

    expect(step).toMatchObject({ kind: "failed", code: "INSTANCE_GONE", outputs: { succeeded: 2, failed: 1 } });
    expect(await findReport(fleet, gone)).toMatchObject({ code: "INSTANCE_GONE", detailedStatus: state });
    expect(elapsedMs).toBeLessThan(3 * MINUTE);
  });

  it("is not one whose command runs for long (robosystems#1408)", async () => {
    const fleet = aSimFleet();
    const [slow = ""] = fleet.addMany(2);
    fleet.sim.ssm.script(slow, { runsForMs: 20 * MINUTE });

    const { step, elapsedMs } = await fleet.run({ ...shell, timeout: "1h" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(elapsedMs).toBeGreaterThan(20 * MINUTE);
  });

  it("is not one that two answers of EC2 do not show before its command is sent", async () => {
    const fleet = aSimFleet();
    const instance = fleet.add();
    for (let looks = 0; looks < 2; looks += 1)
      fleet.sim.once("EC2.DescribeInstances", async () => ({ Reservations: [] }));

    const { step } = await fleet.run({ ...shell, instance });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 1 } });
  });

  it("does not count with `ignoreGone`", async () => {
    const fleet = aSimFleet();
    const [gone = ""] = fleet.addMany(3);
    loseOne(fleet, gone, "terminated");

    const { step } = await fleet.run({ ...shell, ignoreGone: true });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2, failed: 1 } });
  });

  it("frees its place for the next one", async () => {
    const fleet = aSimFleet();
    const [gone = ""] = fleet.addMany(2);
    loseOne(fleet, gone, "terminated");

    const { step, elapsedMs } = await fleet.run({ ...shell, maxConcurrency: "1", maxErrors: "1" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 1, failed: 1 } });
    expect(elapsedMs).toBeLessThan(4 * MINUTE);
  });

  it("changes nothing where EC2 may not be asked", async () => {
    const fleet = aSimFleet();
    const [gone = ""] = fleet.addMany(2);
    loseOne(fleet, gone, "terminated");
    const denied = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      fleet.sim.once("EC2.DescribeInstances", denied);
      if (fleet.sim.ssm.listCommands().length === 0) return proceed();
      throw new SimFault("UnauthorizedOperation", 403, "You are not authorized to perform this operation.");
    };
    fleet.sim.once("EC2.DescribeInstances", denied);

    await fleet.run({ ...shell, timeout: "5m" });

    expect(await findReport(fleet, gone)).toMatchObject({ code: "EXECUTION_TIMEOUT" });
  });

  it("is looked for again when one answer of EC2 does not show it", async () => {
    const fleet = aSimFleet();
    const [slow = ""] = fleet.addMany(2);
    fleet.sim.ssm.script(slow, { runsForMs: 5 * MINUTE });
    let hidden = 0;
    const hide = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      fleet.sim.once("EC2.DescribeInstances", hide);
      if (fleet.sim.ssm.listCommands().length === 0 || hidden === 2) return proceed();
      hidden += 1;
      return { Reservations: [] };
    };
    fleet.sim.once("EC2.DescribeInstances", hide);

    const { step } = await fleet.run(shell);

    expect([step.kind, hidden]).toEqual(["succeeded", 2]);
  });
});

describe("what one answer of SSM does not show", () => {
  /** Hides the first row of a list from the answers of so long, from the first answer that has one. */
  function hide(fleet: SimFleet, operation: string, list: string, ms: number): void {
    let until: number | undefined;
    const behave = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      fleet.sim.once(operation, behave);
      const answer = (await proceed()) as Readonly<Record<string, readonly unknown[]>>;
      if (answer[list]?.[0] === undefined) return answer;
      until ??= fleet.clock.now() + ms;
      return fleet.clock.now() > until ? answer : { ...answer, [list]: answer[list].slice(1) };
    };
    fleet.sim.once(operation, behave);
  }

  it.each([0, 35_000])("an invocation that succeeded is not undeliverable: for %i ms", async (ms) => {
    const fleet = aSimFleet();
    fleet.addMany(3);
    fleet.sim.ssm.script("*", { runsForMs: 40_000 });
    void fleet.clock.sleep(20_000).then(() => hide(fleet, "SSM.ListCommandInvocations", "CommandInvocations", ms));

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 3, failed: 0 } });
  });

  it.each([0, 20_000])("a command that was accepted is not sent again after a lost answer: for %i ms", async (ms) => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    hide(fleet, "SSM.ListCommands", "Commands", ms);
    fleet.sim.once("SSM.SendCommand", async (proceed) => {
      await proceed();
      throw new SimFault("InternalServerError", 500, "Not now.");
    });

    const { step } = await fleet.run(shell);

    expect(step.kind).toBe("succeeded");
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("an instance of a list of ids is part of the run", async () => {
    const fleet = aSimFleet();
    const instanceIds = [...fleet.addMany(2)];
    fleet.sim.once("EC2.DescribeInstances", async () => ({ Reservations: [] }));

    const { step } = await fleet.run({ ...shell, instanceIds });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, skipped: 0 } });
  });
});
