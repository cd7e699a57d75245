import type { Step } from "@stackyard/core";
import { letTimePass } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { aMortalProcess, type Death, type MortalProcess } from "./testing/a-mortal-process.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const artifact = { bucket: "builds", key: "app/site.zip" };
const config: RunCommandConfig = { profile: "garlc-1", artifact, maxConcurrency: "6", maxErrors: 1 };

/** Three chunks of three for the old profile, one instance that fails, and one whose agent is not there. */
function aFleetInTrouble(): SimFleet {
  const fleet = aSimFleet();
  const ids = fleet.addMany(7);
  fleet.add({ agent: false });
  fleet.sim.ssm.script(ids[1] ?? "", { exitCode: 1, stderr: "boom" });
  return fleet;
}

/** One process, until it ends or dies. The last progress that the yard kept goes in and out. */
async function live(fleet: SimFleet, process: MortalProcess, given: RunCommandConfig, kept: Step | undefined) {
  const executor = createRunCommandExecutor({}, { random: () => 0.5 });
  const context = fleet.context({ records: process.records, aws: process.aws });
  let step = kept;
  for (let calls = 0; calls < 200; calls += 1) {
    const call =
      step?.kind === "running"
        ? executor.poll?.(context, given as never, JSON.parse(JSON.stringify(step.progress)) as never)
        : executor.start(context, given as never);
    const answer = await passTime(fleet, call ?? Promise.reject(new Error("no poll")));
    // The answer of a dead process is lost.
    if (process.isDead() || answer === undefined) return step;
    step = answer;
    if (step.kind !== "running") return step;
    await fleet.clock.advance(step.pollAfterMs);
  }
  throw new Error("The run does not end.");
}

/** The answer, or undefined where the process died over it. */
function passTime({ clock }: SimFleet, call: Promise<Step>): Promise<Step | undefined> {
  return letTimePass(clock, call).catch(() => undefined);
}

/** A first process with a death before it, and another one that finds what it left. */
async function runWithDeath(fleet: SimFleet, given: RunCommandConfig, death?: Death) {
  const world = { records: fleet.records, aws: fleet.context().aws };
  const first = aMortalProcess(world, death);
  const kept = await live(fleet, first, given, undefined);
  if (!first.isDead()) return { step: kept, calls: first.count() };
  await fleet.clock.advance(20_000);
  return { step: await live(fleet, aMortalProcess(world), given, kept), calls: first.count() };
}

function countSends(fleet: SimFleet): readonly number[] {
  const sent = fleet.sim.ssm
    .listCommands()
    .flatMap(({ invocations }) => invocations.map(({ instanceId }) => instanceId));
  return [...Map.groupBy(sent, (id) => id).values()].map((each) => each.length);
}

const whole = await runWithDeath(aFleetInTrouble(), config);
const deaths = Array.from({ length: whole.calls }, (_, index) =>
  (["before", "after"] as const).map((when): Death => ({ at: index + 1, when })),
).flat();

describe("a run whose process dies", () => {
  it("has some awaits to die at", () => {
    expect(whole.calls).toBeGreaterThan(20);
    expect(whole.step).toMatchObject({ kind: "failed", code: "COMMAND_FAILED", outputs: { succeeded: 6, failed: 2 } });
  });

  it.each(deaths)("continues after a death $when call $at, and sends nothing twice", async (death) => {
    const fleet = aFleetInTrouble();

    const { step } = await runWithDeath(fleet, config, death);

    expect(step).toEqual(whole.step);
    expect(countSends(fleet)).toEqual(Array(7).fill(1));
    const { first, instances } = await fleet.report();
    expect(first?.counts).toEqual({ selected: 8, succeeded: 6, failed: 2, running: 0, skipped: 0, notSent: 0 });
    expect(instances).toHaveLength(8);
  });
});

describe("a run over targets whose process dies", () => {
  const targets: RunCommandConfig = {
    targets: [{ key: "tag:Ansible_Roles", values: ["web"] }],
    document: "AWS-RunShellScript",
    parameters: { commands: ["true"] },
  };

  function aFleet(): SimFleet {
    const fleet = aSimFleet();
    fleet.addMany(4);
    return fleet;
  }

  it("sends its one command once, wherever it dies", async () => {
    const { calls, step: expected } = await runWithDeath(aFleet(), targets);
    for (let at = 1; at <= calls; at += 1) {
      for (const when of ["before", "after"] as const) {
        const fleet = aFleet();
        const { step } = await runWithDeath(fleet, targets, { at, when });
        expect(step, `${when} ${at}`).toEqual(expected);
        expect(fleet.sim.ssm.listCommands(), `${when} ${at}`).toHaveLength(1);
      }
    }
    expect(expected).toMatchObject({ kind: "succeeded", outputs: { selected: 4, succeeded: 4 } });
  });
});

describe("a run of one instance whose process dies", () => {
  function aFleet(): SimFleet {
    const fleet = aSimFleet();
    fleet.add({ registersAt: fleet.clock.now() + 12_000 });
    return fleet;
  }

  it("waits on and sends once, wherever it dies", async () => {
    const boot: RunCommandConfig = { profile: "garlc-1", artifact, instance: "i-00000000000000001" };
    const { calls, step: expected } = await runWithDeath(aFleet(), boot);
    for (let at = 1; at <= calls; at += 1) {
      for (const when of ["before", "after"] as const) {
        const fleet = aFleet();
        const { step } = await runWithDeath(fleet, boot, { at, when });
        expect(step, `${when} ${at}`).toEqual(expected);
        expect(countSends(fleet), `${when} ${at}`).toEqual([1]);
      }
    }
    expect(expected).toMatchObject({ kind: "succeeded", outputs: { selected: 1, succeeded: 1 } });
  });
});

describe("a run of which SSM refuses a command, and whose process dies", () => {
  function aFleet(): SimFleet {
    const fleet = aSimFleet();
    fleet.addMany(7);
    let calls = 0;
    const refuse = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      calls += 1;
      if (calls < 2) return proceed();
      throw Object.assign(new Error("no"), { name: "InvalidDocument", $metadata: { httpStatusCode: 400 } });
    };
    for (let call = 0; call < 5; call += 1) fleet.sim.once("SSM.SendCommand", refuse);
    return fleet;
  }

  it("stops wherever it dies", async () => {
    const { calls, step: expected } = await runWithDeath(aFleet(), config);
    for (let at = 1; at <= calls; at += 1) {
      for (const when of ["before", "after"] as const) {
        const fleet = aFleet();
        const { step } = await runWithDeath(fleet, config, { at, when });
        expect(step, `${when} ${at}`).toMatchObject({ kind: "failed", code: "INVALID_DOCUMENT", retryable: false });
        expect(fleet.sim.ssm.listCommands(), `${when} ${at}`).toHaveLength(1);
      }
    }
    expect(expected).toMatchObject({ code: "INVALID_DOCUMENT", outputs: { selected: 7, succeeded: 3, failed: 3 } });
  });
});

describe("two processes over one run", () => {
  it("send nothing twice: the second one finds the first one's run and continues it", async () => {
    const fleet = aFleetInTrouble();
    const executor = createRunCommandExecutor({}, { random: () => 0.5 });

    const steps = [0, 1].map(() => passTime(fleet, executor.start(fleet.context(), config as never)));
    const both = await Promise.all(steps);
    const { step } = await runWithDeath(fleet, config);

    expect(both.map((each) => each?.kind)).toEqual(["running", "running"]);
    expect(step).toMatchObject(whole.step ?? {});
    expect(countSends(fleet)).toEqual(Array(7).fill(1));
  });
});

describe("a run over many pages whose process dies", () => {
  const shell: RunCommandConfig = {
    document: "AWS-RunShellScript",
    parameters: { commands: ["true"] },
    targetsAbove: 1_000,
    maxConcurrency: "100%",
  };

  it("sends no command twice, whichever wave it died in", async () => {
    for (let at = 1; at <= 24; at += 1) {
      for (const when of ["before", "after"] as const) {
        const fleet = aSimFleet();
        fleet.addMany(210);

        const { step } = await runWithDeath(fleet, shell, { at, when });

        expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 210, succeeded: 210 } });
        expect(countSends(fleet)).toEqual(Array(210).fill(1));
      }
    }
  });
});
