import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

/** The steps of a run after which the worker is away for five hours. */
const AFTER = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12];

/** Four instances that work for two minutes, two at a time. */
function aFleet(): SimFleet {
  const fleet = aSimFleet();
  fleet.addMany(4);
  fleet.sim.ssm.script("*", { runsForMs: 2 * MINUTE });
  return fleet;
}

/** Runs with a worker that is away after these steps. Returns what the run says, and how often each instance got the command. */
async function runAway(fleet: SimFleet, config: RunCommandConfig, isAway: (steps: number) => boolean) {
  const { step, elapsedMs } = await fleet.run(config, { lateMs: (steps) => (isAway(steps) ? 5 * HOUR : 0) });
  const invocations = fleet.sim.ssm.listCommands().flatMap((command) => command.invocations);
  const sent = Map.groupBy(invocations, ({ instanceId }) => instanceId);
  return { step, elapsedMs, sent: [...sent.values()].map(({ length }) => length) };
}

describe("a fleet whose worker is away for hours", () => {
  it.each(AFTER)("gets each command once, and the run succeeds, after step %i", async (away) => {
    const { step, sent } = await runAway(aFleet(), { ...shell, maxConcurrency: "2" }, (steps) => steps === away);

    expect([step.kind, sent]).toEqual(["succeeded", [1, 1, 1, 1]]);
  });

  it("gets each command once in a week in which the worker looks every five hours", async () => {
    const { step, sent, elapsedMs } = await runAway(aFleet(), { ...shell, maxConcurrency: "1" }, () => true);

    expect([step.kind, sent]).toEqual(["succeeded", [1, 1, 1, 1]]);
    expect(elapsedMs).toBeLessThan(7 * 24 * HOUR);
  });

  it.each(AFTER)("waits as long as ever for the agent of a new instance, after step %i", async (away) => {
    const fleet = aSimFleet();
    const instance = fleet.add({ registersAt: fleet.clock.now() + 5 * HOUR + 5 * MINUTE });
    fleet.sim.ssm.script("*", { runsForMs: MINUTE });

    const { step, sent } = await runAway(fleet, { ...shell, instance }, (steps) => steps === away);

    expect([step.kind, sent]).toEqual(["succeeded", [1]]);
  });

  it.each([2, 3, 5])("waits as long as ever for an agent that accepts no command yet, after step %i", async (away) => {
    const fleet = aSimFleet();
    const instance = fleet.add();
    const readyAt = fleet.clock.now() + 5 * HOUR + 5 * MINUTE;
    const refuse = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      if (fleet.clock.now() >= readyAt) return proceed();
      fleet.sim.once("SSM.SendCommand", refuse);
      throw Object.assign(new Error("no"), { name: "InvalidInstanceId", $metadata: { httpStatusCode: 400 } });
    };
    fleet.sim.once("SSM.SendCommand", refuse);

    const { step, sent } = await runAway(fleet, { ...shell, instance }, (steps) => steps === away);

    expect([step.kind, sent]).toEqual(["succeeded", [1]]);
  });

  it.each(AFTER)("reports what has failed meanwhile, after step %i", async (away) => {
    const fleet = aSimFleet();
    const [broken = ""] = fleet.addMany(4);
    fleet.sim.ssm.script(broken, { runsForMs: MINUTE, exitCode: 1 });

    const { step, sent } = await runAway(fleet, { ...shell, maxConcurrency: "100%" }, (steps) => steps === away);

    expect(step).toMatchObject({ kind: "failed", outputs: { succeeded: 3, failed: 1 } });
    expect(sent).toEqual([1, 1, 1, 1]);
  });
});
