import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, RUN_ID } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

function outputsOf(step: object): Readonly<Record<string, unknown>> {
  return "outputs" in step ? Object(step.outputs) : {};
}

describe("a run", () => {
  it("sends to the selected instances and succeeds when all of them have", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(3);
    fleet.add({ tags: {} });
    fleet.add({ state: "stopped" });

    const { step } = await fleet.run(shell);

    expect(step).toEqual({
      kind: "succeeded",
      outputs: {
        runId: RUN_ID,
        selected: 3,
        succeeded: 3,
        failed: 0,
        skipped: 0,
        reportUrl: `urn:stackyard:run:${RUN_ID}`,
      },
    });
    const commands = fleet.sim.ssm.listCommands();
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatchObject({ comment: `stackyard:${RUN_ID}:1`, documentName: "AWS-RunShellScript" });
    const { first, instances } = await fleet.report();
    expect(first).toMatchObject({ runId: RUN_ID, source: "task", counts: { selected: 3, succeeded: 3, notSent: 0 } });
    expect(first?.endedAt).toBe(fleet.clock.now());
    expect(instances.map(({ instanceId, state }) => [instanceId, state])).toEqual(ids.map((id) => [id, "succeeded"]));
  });

  it("tells of each failure, with the end of what it said", async () => {
    const fleet = aSimFleet();
    const [bad = "", slow = "", ...rest] = fleet.addMany(5);
    fleet.sim.ssm.script(bad, { exitCode: 2, stdout: "some output", stderr: "boom\npassword=hunter2" });
    fleet.sim.ssm.script(slow, { runsForMs: Number.POSITIVE_INFINITY });

    const { step, reports } = await fleet.run({ ...shell, timeout: "1m" });

    expect(step).toMatchObject({
      kind: "failed",
      code: "COMMAND_FAILED",
      message: "2 of 5 instances failed (1 × COMMAND_FAILED, 1 × EXECUTION_TIMEOUT).",
      retryable: false,
    });
    expect(outputsOf(step)).toMatchObject({ selected: 5, succeeded: rest.length, failed: 2 });
    const { instances } = await fleet.report();
    expect(instances[0]).toMatchObject({
      state: "failed",
      code: "COMMAND_FAILED",
      responseCode: 2,
      stdoutTail: "some output",
    });
    expect(instances[0]?.stderrTail).toContain("boom");
    expect(instances[0]?.stderrTail).not.toContain("hunter2");
    expect(instances[1]).toMatchObject({ state: "failed", code: "EXECUTION_TIMEOUT" });
    expect(reports).toEqual([
      expect.stringContaining(`${bad}: COMMAND_FAILED, exit code 2`),
      expect.stringContaining(slow),
    ]);
  });

  it("does not call a fleet healthy that is switched off", async () => {
    const fleet = aSimFleet();
    fleet.add();
    const off = fleet.add();
    fleet.sim.ssm.script(off, { deliveredAfterMs: Number.POSITIVE_INFINITY });

    const { step } = await fleet.run({ ...shell, deliveryTimeout: "30s" });

    expect(step).toMatchObject({ kind: "failed", code: "DELIVERY_TIMEOUT" });
  });

  it("does when told to ignore what cannot be reached", async () => {
    const fleet = aSimFleet();
    fleet.add();
    fleet.sim.ssm.script(fleet.add(), { undeliverable: true });

    expect((await fleet.run({ ...shell, ignoreUnreachable: true })).step).toMatchObject({ kind: "succeeded" });
  });

  it("leaves out those that SSM does not know, and sends to the rest once", async () => {
    const fleet = aSimFleet();
    const [first = "", second = ""] = fleet.addMany(2);
    const gone = fleet.add({ agent: false });

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "failed", code: "SSM_NOT_ONLINE" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    const { instances } = await fleet.report();
    expect(instances).toMatchObject([
      { instanceId: first, state: "succeeded" },
      { instanceId: second, state: "succeeded" },
      { instanceId: gone, state: "failed", code: "SSM_NOT_ONLINE" },
    ]);
  });

  it("fails when there is nobody, unless that is allowed", async () => {
    const fleet = aSimFleet();

    expect((await fleet.run(shell)).step).toMatchObject({ kind: "failed", code: "NO_INSTANCES", retryable: false });
    const allowed = await fleet.run({ ...shell, allowEmpty: true }, { context: { stackId: "run-2" } });
    expect(allowed.step).toMatchObject({ kind: "succeeded", outputs: { selected: 0 } });
  });

  it("never has more under way than allowed, and stops at one error more than the limit", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(40);
    for (const id of ids.slice(10, 13)) fleet.sim.ssm.script(id, { exitCode: 1 });

    const { step } = await fleet.run({ ...shell, maxConcurrency: "10", maxErrors: 2 });

    expect(step).toMatchObject({ kind: "failed", code: "COMMAND_FAILED" });
    expect(fleet.sim.ssm.listCommands().map(({ invocations }) => invocations.length)).toEqual([10, 10]);
    const { first, instances } = await fleet.report();
    expect(first?.counts).toEqual({ selected: 40, succeeded: 17, failed: 3, running: 0, skipped: 0, notSent: 20 });
    expect(instances.filter(({ code }) => code === "NOT_SENT")).toHaveLength(20);
  });

  it("takes percentages of the selected", async () => {
    const fleet = aSimFleet();
    const ids = fleet.addMany(30);
    fleet.sim.ssm.script(ids[0] ?? "", { exitCode: 1 });

    const { step } = await fleet.run({ ...shell, maxConcurrency: "50%", maxErrors: "5%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 29, failed: 1 } });
    expect(fleet.sim.ssm.listCommands().map(({ invocations }) => invocations.length)).toEqual([15, 15]);
  });

  it("sends to Windows and Linux apart", async () => {
    const fleet = aSimFleet();
    fleet.add();
    fleet.add({ platform: "windows" });
    fleet.add();

    const { step } = await fleet.run({ profile: "patch-scan" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 3 } });
    expect(fleet.sim.ssm.listCommands().map(({ invocations }) => invocations.length)).toEqual([2, 1]);
  });

  it("sends nothing in a dry run, and shows whom it would send to", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);

    const { step } = await fleet.run({ ...shell, dryRun: true });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 0 } });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
    expect((await fleet.report()).instances).toMatchObject([{ state: "not-sent" }, { state: "not-sent" }]);
  });

  it("does not wait where it need not", async () => {
    const fleet = aSimFleet();
    fleet.sim.ssm.script(fleet.add(), { runsForMs: 3_600_000 });

    const { step, elapsedMs } = await fleet.run({ ...shell, wait: false });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 1, succeeded: 0 } });
    expect(elapsedMs).toBe(0);
  });
});
