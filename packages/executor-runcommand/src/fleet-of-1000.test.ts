import { describe, expect, it } from "vitest";
import { ANSIBLE, aLargeFleet } from "./testing/a-large-fleet.ts";
import { RUN_ID } from "./testing/a-sim-fleet.ts";

const THIRTY = {
  playbook: 6,
  noisy: 4,
  hangs: 4,
  undeliverable: 4,
  unreachable: 4,
  unregistered: 4,
  roles: 2,
  flaky: 2,
};

describe("a fleet of 1,000 of which 30 fail in different ways", () => {
  it("reports each instance by itself", async () => {
    const fleet = await aLargeFleet(1_000, THIRTY);

    const { step, elapsedMs } = await fleet.run(ANSIBLE);

    expect(step).toMatchObject({
      kind: "failed",
      outputs: { selected: 1_000, succeeded: 970, failed: 30, skipped: 0 },
    });
    const { first, instances } = await fleet.report();
    expect(first?.counts).toEqual({ selected: 1_000, succeeded: 970, failed: 30, running: 0, skipped: 0, notSent: 0 });
    const idsOf = (code: string) => instances.flatMap((each) => (each.code === code ? [each.instanceId] : []));
    expect(idsOf("COMMAND_FAILED").toSorted()).toEqual(fleet.idsWith("playbook", "noisy", "flaky"));
    expect(idsOf("EXECUTION_TIMEOUT").toSorted()).toEqual(fleet.idsWith("hangs"));
    expect(idsOf("UNDELIVERABLE").toSorted()).toEqual(fleet.idsWith("undeliverable"));
    // SSM detects a lost agent eventually, or the executor does when SSM rejects its neighbors.
    expect(idsOf("SSM_NOT_ONLINE")).toEqual(expect.arrayContaining([...fleet.idsWith("unregistered")]));
    expect([...idsOf("DELIVERY_TIMEOUT"), ...idsOf("SSM_NOT_ONLINE")].toSorted()).toEqual(
      fleet.idsWith("unreachable", "unregistered"),
    );
    expect(idsOf("ROLE_NAME_INVALID").toSorted()).toEqual(fleet.idsWith("roles"));
    expect(instances.filter(({ state }) => state === "succeeded")).toHaveLength(970);
    // The slowest is killed by the execution timeout of ten minutes.
    expect(elapsedMs).toBeLessThan(15 * 60_000);
  });

  it("sends nothing twice, and keeps what the failed ones said", async () => {
    const fleet = await aLargeFleet(1_000, THIRTY);

    await fleet.run(ANSIBLE);

    const sent = fleet.sentIds();
    expect(new Set(sent).size).toBe(sent.length);
    const notSent = new Set(fleet.idsWith("unregistered", "unreachable", "roles"));
    expect(sent.filter((id) => !notSent.has(id))).toHaveLength(1_000 - notSent.size);
    const { instances } = await fleet.report();
    const noisy = instances.find(({ instanceId }) => instanceId === fleet.idsWith("noisy")[0]);
    expect(noisy).toMatchObject({ responseCode: 4, cut: true, stderrTail: "no space left on device\n" });
  });

  it("is repaired by a retry of exactly those that failed", async () => {
    const fleet = await aLargeFleet(1_000, THIRTY);
    await fleet.run(ANSIBLE);
    const before = fleet.sentIds().length;

    const { step } = await fleet.run(ANSIBLE, { context: { attempt: { id: "a2", number: 2, token: 2 } } });

    const lost = fleet.idsWith("unreachable");
    const again = fleet.sentIds().slice(before);
    expect(again.filter((id) => !lost.includes(id)).toSorted()).toEqual(
      fleet.idsWith("playbook", "noisy", "hangs", "undeliverable", "flaky"),
    );
    expect(step).toMatchObject({ outputs: { runId: RUN_ID, selected: 1_000, succeeded: 972, failed: 28 } });
  });

  it("stops sending at the first error when none is allowed", async () => {
    const fleet = await aLargeFleet(1_000, THIRTY);

    const { step } = await fleet.run({ ...ANSIBLE, maxConcurrency: "50", maxErrors: 0 });

    expect(step).toMatchObject({ kind: "failed" });
    const { instances } = await fleet.report();
    expect(instances).toHaveLength(1_000);
    expect(instances.filter(({ code }) => code === "NOT_SENT").length).toBeGreaterThan(800);
    expect(instances.filter(({ state }) => state === "running")).toEqual([]);
  });
});

describe("a healthy fleet of 1,000", () => {
  it.each([
    ["by ids", { document: "AWS-RunShellScript", parameters: { commands: ["true"] }, targetsAbove: 1_000 }, 20],
    ["by its tag", { document: "AWS-RunShellScript", parameters: { commands: ["true"] } }, 1],
  ])("is sent to %s", async (_way, command, calls) => {
    const fleet = await aLargeFleet(1_000);

    const { step } = await fleet.run({ ...command, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 1_000, succeeded: 1_000 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(calls);
  });

  it("is dispatched in half a minute at one call a second", async () => {
    const fleet = await aLargeFleet(1_000);
    fleet.sim.limit("SSM.SendCommand", { perSecond: 1 });
    const begin = fleet.clock.now();

    const { step } = await fleet.run({
      document: "AWS-RunShellScript",
      parameters: { commands: ["true"] },
      maxConcurrency: "100%",
      targetsAbove: 1_000,
    });

    const last = Math.max(...fleet.sim.ssm.listCommands().map(({ requestedAt }) => requestedAt));
    expect(step.kind).toBe("succeeded");
    expect(fleet.sim.ssm.listCommands()).toHaveLength(20);
    expect(last - begin).toBeLessThanOrEqual(30_000);
  });
});
