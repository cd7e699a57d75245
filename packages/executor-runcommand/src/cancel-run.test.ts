import { describe, expect, it } from "vitest";
import type { RunCommandConfig, RunCommandStep } from "./definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { aMortalProcess, type Death } from "./testing/a-mortal-process.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["sleep 1000"] } };
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

async function settle<Answer>(fleet: SimFleet, work: Promise<Answer>): Promise<Answer> {
  let isOver = false;
  const done = work.finally(() => {
    isOver = true;
  });
  while (!isOver) await fleet.clock.advance(1_000);
  return done;
}

describe("a cancel that could not begin", () => {
  it("stays asked for when SSM does not say what was sent", async () => {
    const fleet = aFleet(120);
    const config = { ...shell, maxConcurrency: "60" };
    // The process stops in the middle of a wave: what it was sending must be found first.
    const stopping = aProcess(fleet);
    fleet.sim.once("SSM.SendCommand", async (proceed) => {
      await proceed();
      stopping.abort.abort();
      throw new Error("The process stops.");
    });
    const begun = await settle(
      fleet,
      Promise.resolve(executor.start({ ...stopping.ctx, cancelling: false }, config as never)),
    );
    const kept = begun.kind === "running" ? begun.progress : undefined;
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    for (let times = 0; times < 10; times += 1) fleet.sim.once("SSM.ListCommands", throttled);

    const cancelling = Promise.resolve(executor.cancel?.(aProcess(fleet).ctx, config as never, kept as never));
    const step = await settle(fleet, cancelling);

    expect(step).toMatchObject({ kind: "running", message: expect.stringContaining("Slow down") });
    const progress = step?.kind === "running" ? step.progress : undefined;
    expect(await settle(fleet, pollToEnd(fleet, config, progress))).toMatchObject({ code: "RUN_CANCELLED" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
    expect((await fleet.report()).instances.filter(({ state }) => state === "running")).toEqual([]);
  });

  it("asks again for the cancel of a command that SSM throttled", async () => {
    const fleet = aFleet(2);
    const progress = await start(fleet, shell);
    for (let times = 0; times < 10; times += 1) fleet.sim.once("SSM.CancelCommand", throttled);

    await settle(fleet, Promise.resolve(executor.cancel?.(aProcess(fleet).ctx, shell as never, progress as never)));

    expect(await settle(fleet, pollToEnd(fleet, shell, progress))).toMatchObject({ code: "RUN_CANCELLED" });
    const { instances } = await fleet.report();
    expect(instances.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  });

  it("does not begin the run of an earlier attempt again", async () => {
    const fleet = aFleet(60);
    await start(fleet, shell);
    const context = { ...aProcess(fleet).ctx, idempotencyKey: "another-attempt" };

    const step = await executor.cancel?.(context, shell as never, undefined as never);
    await fleet.clock.advance(30_000);
    const next = await executor.poll?.(context, shell as never, (step as { progress: unknown }).progress as never);

    expect(next).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it.each(["dies", "is told to stop"] as const)("goes on where a process %s over it", async (how) => {
    const whole = aFleet(60);
    const kept = await start(whole, shell);
    const { ctx, mortal } = aProcess(whole);
    await executor.cancel?.(ctx, shell as never, kept as never);
    for (let at = 1; at <= mortal.count(); at += 1) {
      const fleet = aFleet(60);
      const progress = await start(fleet, shell);
      const first = aProcess(fleet, { at, when: "after" });
      const cancelled = Promise.resolve(executor.cancel?.(first.ctx, shell as never, progress as never));
      if (how === "is told to stop") first.abort.abort();
      await settle(
        fleet,
        cancelled.catch(() => undefined),
      );

      const step = await settle(fleet, pollToEnd(fleet, shell, progress));

      expect(step, `${how} at ${at}`).toMatchObject({ code: "RUN_CANCELLED" });
      const { instances } = await fleet.report();
      const codes = instances.map(({ code }) => code);
      expect(codes.filter((code) => code === "CANCELLED")).toHaveLength(50);
      expect(codes.filter((code) => code === "NOT_SENT")).toHaveLength(10);
    }
  });
});
