import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { aMortalProcess, type Death } from "./testing/a-mortal-process.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["sleep 1000"] } };

/**
 * Starts, cancels when the first commands run, and polls to the end. If a process dies during the cancel, another
 * one receives it.
 */
async function cancel(fleet: SimFleet, config: RunCommandConfig, death?: Death) {
  const executor = createRunCommandExecutor({}, { random: () => 0.5 });
  const ctx = { ...fleet.context(), cancelling: true };
  const mortal = aMortalProcess({ records: fleet.records, aws: ctx.aws }, death);
  const begunAt = fleet.clock.now();
  let step = await executor.start(fleet.context(), config as never);
  const progress = step.kind === "running" ? step.progress : undefined;
  await fleet.clock.advance(5_000);
  const first = { ...ctx, aws: mortal.aws, records: mortal.records };
  step = (await executor.cancel?.(first, config as never, progress as never).catch(() => undefined)) ?? step;
  if (mortal.isDead()) step = (await executor.cancel?.(ctx, config as never, progress as never)) ?? step;
  while (step.kind === "running") {
    await fleet.clock.advance(step.pollAfterMs);
    step = (await executor.poll?.(ctx, config as never, step.progress as never)) ?? step;
  }
  return { step, elapsedMs: fleet.clock.now() - begunAt, reports: ctx.reports, calls: mortal.count() };
}

async function deny(): Promise<never> {
  throw Object.assign(new Error("denied"), { name: "AccessDeniedException", $metadata: { httpStatusCode: 400 } });
}

describe("a run that is cancelled", () => {
  it("cancels what runs, sends nothing more, and ends as cancelled", async () => {
    const fleet = aSimFleet();
    fleet.addMany(120);
    fleet.sim.ssm.script("*", { runsForMs: 400_000 });

    const { step, elapsedMs } = await cancel(fleet, { ...shell, maxConcurrency: "60" });

    expect(step).toMatchObject({ kind: "failed", code: "RUN_CANCELLED", retryable: false });
    expect(elapsedMs).toBeLessThan(5 * 60_000);
    const { first, instances } = await fleet.report();
    expect(first?.counts).toMatchObject({ selected: 120, running: 0, notSent: 70 });
    expect(instances.filter(({ state }) => state === "cancelled")).toHaveLength(50);
  });

  it("cancels the one command of targets as a whole", async () => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    fleet.sim.ssm.script("*", { runsForMs: 400_000 });
    const targets = [{ key: "tag:Ansible_Roles", values: ["web"] }];

    const { step } = await cancel(fleet, { ...shell, targets, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
    expect((await fleet.report()).instances.filter(({ state }) => state === "cancelled")).toHaveLength(60);
  });

  it("asks again after a refusal that passes", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    fleet.sim.ssm.script("*", { runsForMs: 3_000_000 });
    fleet.sim.once("SSM.CancelCommand", deny);

    const { step, reports } = await cancel(fleet, { ...shell, timeout: "1h" });

    expect(step).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
    expect(reports[0]).toContain("could not be cancelled");
    expect((await fleet.report()).instances.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  });

  it("does not wait without end for what cannot be cancelled", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    fleet.sim.ssm.script("*", { runsForMs: 3_000_000 });
    fleet.sim.intercept(({ operation }, proceed) => (operation === "CancelCommand" ? deny() : proceed()));

    const { step, elapsedMs } = await cancel(fleet, { ...shell, timeout: "1h" });

    expect(step).toMatchObject({ code: "RUN_CANCELLED", message: expect.stringContaining("2 still run") });
    expect(elapsedMs).toBeLessThanOrEqual(5 * 60_000);
  });

  it("ends with commands that end by themselves while SSM refuses to cancel them", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    fleet.sim.ssm.script("*", { runsForMs: 60_000 });
    fleet.sim.intercept(({ operation }, proceed) => (operation === "CancelCommand" ? deny() : proceed()));

    const { step, elapsedMs } = await cancel(fleet, shell);

    expect(step).toMatchObject({ code: "RUN_CANCELLED", message: expect.stringContaining("2 succeeded") });
    expect(elapsedMs).toBeLessThan(2 * 60_000);
  });

  it("asks SSM also after hours in which no worker looked, before it gives up", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    fleet.sim.ssm.script("*", { runsForMs: 30 * 3_600_000 });
    const config = { ...shell, timeout: "48h" };
    const executor = createRunCommandExecutor({}, { random: () => 0.5 });
    const begun = await executor.start(fleet.context(), config as never);
    const ctx = { ...fleet.context(), cancelling: true };
    // The worker dies before SSM has answered.
    const mortal = aMortalProcess({ records: fleet.records, aws: ctx.aws }, { at: 4, when: "after" });
    const progress = begun.kind === "running" ? begun.progress : undefined;
    const first = { ...ctx, aws: mortal.aws, records: mortal.records };
    await executor.cancel?.(first, config as never, progress as never).catch(() => undefined);
    expect(mortal.isDead()).toBe(true);

    let step = begun;
    for (let polls = 0; polls < 20 && step.kind === "running"; polls += 1) {
      await fleet.clock.advance(polls === 0 || polls === 2 ? 5 * 3_600_000 : step.pollAfterMs);
      step = (await executor.poll?.(ctx, config as never, step.progress as never)) ?? step;
    }

    expect(step).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
    const { instances } = await fleet.report();
    expect(instances.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  });

  it("says so when nothing had been sent", async () => {
    const fleet = aSimFleet();
    const id = fleet.add({ agent: false });

    const { step } = await cancel(fleet, { ...shell, instance: id });

    expect(step).toMatchObject({ code: "RUN_CANCELLED", message: "The run was cancelled before anything was sent." });
  });

  it("is cancelled even if a process dies during the cancel", async () => {
    const aFleet = () => {
      const fleet = aSimFleet();
      fleet.addMany(60);
      fleet.sim.ssm.script("*", { runsForMs: 400_000 });
      return fleet;
    };
    const { calls } = await cancel(aFleet(), shell);
    for (let at = 1; at <= calls; at += 1) {
      for (const when of ["before", "after"] as const) {
        const fleet = aFleet();
        const { step } = await cancel(fleet, shell, { at, when });
        expect(step, `${when} ${at}`).toMatchObject({ kind: "failed", code: "RUN_CANCELLED" });
        const { instances } = await fleet.report();
        const states = Map.groupBy(instances, ({ code }) => code);
        expect(states.get("CANCELLED"), `${when} ${at}`).toHaveLength(50);
        expect(states.get("NOT_SENT"), `${when} ${at}`).toHaveLength(10);
      }
    }
  });
});
