import { letTimePass } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { RunCommandConfig, RunCommandStep } from "./definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { aMortalProcess, type Death } from "./testing/a-mortal-process.ts";
import { aSimFleet, RUN_ID, type SimFleet } from "./testing/a-sim-fleet.ts";

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

  it("reports each failure with the end of its output", async () => {
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

  it("succeeds if unreachable instances are ignored", async () => {
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

  it("fails without instances, unless that is allowed", async () => {
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

  it("sends nothing in a dry run, and shows the instances that it would send to", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);

    const { step } = await fleet.run({ ...shell, dryRun: true });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 0 } });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
    expect((await fleet.report()).instances).toMatchObject([{ state: "not-sent" }, { state: "not-sent" }]);
  });

  it("needs no artifact in a dry run, also of a profile that applies one", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);

    const { step } = await fleet.run({ profile: "ansible", dryRun: true });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 2, succeeded: 0 } });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
  });

  it("does not wait where it need not", async () => {
    const fleet = aSimFleet();
    fleet.sim.ssm.script(fleet.add(), { runsForMs: 3_600_000 });

    const { step, elapsedMs } = await fleet.run({ ...shell, wait: false });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 1, succeeded: 0 } });
    expect(elapsedMs).toBe(0);
  });
});

const longShell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["sleep 1000"] } };
const executor = createRunCommandExecutor({}, { random: () => 0.5 });

function aFleet(count: number): SimFleet {
  const fleet = aSimFleet();
  fleet.addMany(count);
  fleet.sim.ssm.script("*", { runsForMs: 400_000 });
  return fleet;
}

function throttled(): Promise<never> {
  const error = Object.assign(new Error("Slow down"), { name: "ThrottlingException" });
  return Promise.reject(Object.assign(error, { $metadata: { httpStatusCode: 400 } }));
}

/** A process that dies, or whose signal is aborted, at one of its calls. */
function aProcess(fleet: SimFleet, death?: Death, abort = new AbortController()) {
  const context = { ...fleet.context(), cancelling: true, signal: abort.signal };
  const mortal = aMortalProcess({ records: fleet.records, aws: context.aws }, death);
  return { ctx: { ...context, records: mortal.records, aws: mortal.aws }, mortal, abort };
}

/** What the engine does once a cancel has begun: it only polls. */
async function pollToEnd(fleet: SimFleet, config: RunCommandConfig, progress: unknown): Promise<RunCommandStep> {
  const { ctx } = aProcess(fleet);
  for (let kept = progress; ; ) {
    const step = await executor.poll?.(ctx, config as never, kept as never);
    if (step === undefined || step.kind !== "running") return step as RunCommandStep;
    kept = step.progress;
    await fleet.clock.advance(step.pollAfterMs);
  }
}

async function start(fleet: SimFleet, config: RunCommandConfig) {
  const step = await executor.start(fleet.context(), config as never);
  await fleet.clock.advance(5_000);
  return step.kind === "running" ? step.progress : undefined;
}

describe("a cancel that could not begin", () => {
  it("stays requested when SSM does not report what was sent", async () => {
    const fleet = aFleet(120);
    const config = { ...longShell, maxConcurrency: "60" };
    // The process stops in the middle of a wave: what it was sending must be found first.
    const stopping = aProcess(fleet);
    fleet.sim.once("SSM.SendCommand", async (proceed) => {
      await proceed();
      stopping.abort.abort();
      throw new Error("The process stops.");
    });
    const begun = await letTimePass(
      fleet.clock,
      Promise.resolve(executor.start({ ...stopping.ctx, cancelling: false }, config as never)),
    );
    const kept = begun.kind === "running" ? begun.progress : undefined;
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    for (let times = 0; times < 10; times += 1) fleet.sim.once("SSM.ListCommands", throttled);

    const cancelling = Promise.resolve(executor.cancel?.(aProcess(fleet).ctx, config as never, kept as never));
    const step = await letTimePass(fleet.clock, cancelling);

    expect(step).toMatchObject({ kind: "running", message: expect.stringContaining("Slow down") });
    const progress = step?.kind === "running" ? step.progress : undefined;
    expect(await letTimePass(fleet.clock, pollToEnd(fleet, config, progress))).toMatchObject({ code: "RUN_CANCELLED" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    expect((await fleet.report()).instances.filter(({ state }) => state === "running")).toEqual([]);
  });

  it("asks again for the cancel of a command that SSM throttled", async () => {
    const fleet = aFleet(2);
    const progress = await start(fleet, longShell);
    for (let times = 0; times < 10; times += 1) fleet.sim.once("SSM.CancelCommand", throttled);

    await letTimePass(
      fleet.clock,
      Promise.resolve(executor.cancel?.(aProcess(fleet).ctx, longShell as never, progress as never)),
    );

    expect(await letTimePass(fleet.clock, pollToEnd(fleet, longShell, progress))).toMatchObject({
      code: "RUN_CANCELLED",
    });
    const { instances } = await fleet.report();
    expect(instances.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  });

  it("does not begin the run of an earlier attempt again", async () => {
    const fleet = aFleet(60);
    await start(fleet, longShell);
    const context = { ...aProcess(fleet).ctx, idempotencyKey: "another-attempt" };

    const step = await executor.cancel?.(context, longShell as never, undefined as never);
    await fleet.clock.advance(30_000);
    const next = await executor.poll?.(context, longShell as never, (step as { progress: unknown }).progress as never);

    expect(next).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it.each(["dies", "is stopped"] as const)("continues when a process %s during it", async (how) => {
    const whole = aFleet(60);
    const kept = await start(whole, longShell);
    const { ctx, mortal } = aProcess(whole);
    await executor.cancel?.(ctx, longShell as never, kept as never);
    for (let at = 1; at <= mortal.count(); at += 1) {
      const fleet = aFleet(60);
      const progress = await start(fleet, longShell);
      const first = aProcess(fleet, { at, when: "after" });
      const cancelled = Promise.resolve(executor.cancel?.(first.ctx, longShell as never, progress as never));
      if (how === "is stopped") first.abort.abort();
      await letTimePass(
        fleet.clock,
        cancelled.catch(() => undefined),
      );

      const step = await letTimePass(fleet.clock, pollToEnd(fleet, longShell, progress));

      expect(step, `${how} at ${at}`).toMatchObject({ code: "RUN_CANCELLED" });
      const { instances } = await fleet.report();
      const codes = instances.map(({ code }) => code);
      expect(codes.filter((code) => code === "CANCELLED")).toHaveLength(50);
      expect(codes.filter((code) => code === "NOT_SENT")).toHaveLength(10);
    }
  });
});

function plan(fleet: SimFleet, config: RunCommandConfig) {
  return createRunCommandExecutor().plan?.(fleet.context(), config as never);
}

describe("a plan", () => {
  it("shows the instances of a run, and sends and writes nothing", async () => {
    const fleet = aSimFleet();
    fleet.addMany(3);
    fleet.add({ state: "stopped" });

    expect(await plan(fleet, { ...shell, maxConcurrency: "50%" })).toMatchObject({
      summary: "Would send to 3 instances, 1 at once; 0 skipped.",
      details: { way: "ids", selected: 3, maxConcurrency: 1, instances: { length: 3 } },
    });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
    expect((await fleet.report()).first).toBeUndefined();
  });

  it("checks one instance for a run of one", async () => {
    const fleet = aSimFleet();
    const [id = ""] = fleet.addMany(3);

    expect(await plan(fleet, { ...shell, instance: id })).toMatchObject({
      details: { selected: 1, instances: [{ instanceId: id }] },
    });
  });

  it("finds that nothing would happen", async () => {
    expect(await plan(aSimFleet(), shell)).toMatchObject({ unchanged: true, details: { selected: 0 } });
  });

  it("finds what would fail", async () => {
    const fleet = aSimFleet();
    fleet.add();

    expect(await plan(fleet, { profile: "nope" })).toMatchObject({ details: { code: "PROFILE_UNKNOWN" } });
    expect(await plan(fleet, { timeout: "99d" })).toMatchObject({ details: { code: "CONFIG_INVALID" } });
  });

  it("does not know which instances SSM will find by targets", async () => {
    const targets = [{ key: "tag:Env", values: ["prod"] }];

    expect(await plan(aSimFleet(), { ...shell, targets, maxConcurrency: "10%" })).toMatchObject({
      summary: "Would send to those that SSM finds by the targets, 10% at once; 0 skipped.",
    });
  });

  it("checks which agents are online if required", async () => {
    const fleet = aSimFleet();
    fleet.add();
    fleet.add({ agent: false });

    expect(await plan(fleet, { ...shell, select: { requireOnline: true } })).toMatchObject({
      details: { selected: 1, skipped: 1, instances: [{ state: "not-sent" }, { code: "SSM_NOT_REGISTERED" }] },
    });
  });

  it("finds values with wildcards literally", async () => {
    const fleet = aSimFleet();
    fleet.add({ tags: { fleet: "a*" } });
    fleet.add({ tags: { fleet: "ab" } });

    expect(await plan(fleet, { ...shell, select: { tagKey: "fleet", tagValues: ["a*"] } })).toMatchObject({
      details: { selected: 1, skipped: 0 },
    });
  });

  it("reads all pages of what EC2 and SSM answer", async () => {
    const fleet = aSimFleet();
    fleet.addMany(1_010);
    fleet.add({ agent: false });

    expect(await plan(fleet, { ...shell, select: { requireOnline: true } })).toMatchObject({
      details: { selected: 1_010, skipped: 1, instances: { length: 200 } },
    });
  });
});
