import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { createRunCommandExecutor } from "./run-command.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

function plan(fleet: SimFleet, config: RunCommandConfig) {
  return createRunCommandExecutor().plan?.(fleet.context(), config as never);
}

describe("a plan", () => {
  it("shows whom a run would send to, and sends and writes nothing", async () => {
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

  it("looks at one instance where the run is of one", async () => {
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

  it("does not know whom SSM will find by targets", async () => {
    const targets = [{ key: "tag:Env", values: ["prod"] }];

    expect(await plan(aSimFleet(), { ...shell, targets, maxConcurrency: "10%" })).toMatchObject({
      summary: "Would send to those that SSM finds by the targets, 10% at once; 0 skipped.",
    });
  });

  it("asks whose agents are online where it is told to", async () => {
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
