import { startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { aPlannedRelease, toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";

/** Tenants with a key that is a number, or is not set. */
const SIZED = TENANT.replace("tier: { type: string }", "tier: { type: string }, size: { type: number }");

/** A yard in which a person sets a version between the examination of a stack and its first event. */
function aRacingYard(config: object = {}): ReleaseYard {
  let isDone = false;
  const bench: ReleaseYard = aReleaseYard({
    config,
    plant: (executor) =>
      plantBug(executor, (_, yard) => ({
        yard: {
          async send(events) {
            const message = { id: "hand", stackId: "t0", event: "PUSHED", metadata: { api: "1.41.5" } };
            if (!isDone) await bench.yard.publish(message);
            isDone = true;
            return yard.send(events);
          },
        },
      })),
  });
  return bench;
}

describe("a change by hand between the examination of a stack and its event", () => {
  it("refuses the event, and is what an undo restores", async () => {
    const bench = aRacingYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect((await bench.rowsOf("1.42.0")).map((row) => row.try)).toEqual([2]);

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.5" });
  });

  it("is not what an undo restores when it came after an event of the release", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("t0", "PUSHED", { metadata: { api: "1.41.5" } });
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0" });

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0" });
  });
});

describe("a value that a release removes", () => {
  it("is restored by an undo", async () => {
    const config = { metadata: { api: "x", tier: null } };
    const bench = aReleaseYard({ config });
    await bench.addTenants(1, () => ({ tier: "gold" }));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect((await bench.yard.findStack("t0"))?.metadata).toMatchObject({ api: "1.41.0", tier: "gold" });
  });
});

const LARGE = { stacks: { machine: "tenant", where: "metadata.size > 3" } };

describe("a rule that cannot be evaluated for a stack", () => {
  it.each<readonly [string, object]>([
    ["selects", LARGE],
    ["makes a wave", { waves: [{ name: "large", where: "metadata.size > 3" }, { name: "rest" }] }],
    ["has a key that no machine declares", { stacks: { machine: "tenant", where: "metadata.sise == 4" } }],
  ])("and that %s: nothing is sent, and the stack is named", async (_, config) => {
    const bench = aReleaseYard({ tenant: SIZED, config });
    await bench.addTenants(3, (index) => (index === 1 ? {} : { size: 4 }));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    const task = (await bench.yard.findStack("shop-1.42.0"))?.tasks.find(({ name }) => name === "tenants");
    expect(task).toMatchObject({ status: "ERROR", errorMessage: expect.stringContaining('"t') });
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0", t2: "1.41.0" });
  });

  it("while a plan is followed: that stack fails, and the others get the version", async () => {
    const bench = aPlannedRelease({ ...LARGE, maxFailures: 1, concurrency: 1 }, { tenant: SIZED });
    await bench.addTenants(3, () => ({ size: 4 }));
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.yard.advance(3_000);
    const next = (await bench.rowsOf("1.42.0"))[1]?.stack ?? "";
    await bench.send(next, "PUSHED", { metadata: { api: "1.41.0", size: null } });
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2, failed PLAN_STALE 1");
  });
});

describe("a machine that its stacks follow", () => {
  it("makes a plan stale when it was changed since, also in what the tasks do", async () => {
    const following = TENANT.replace("version: 2", "version: 2\nrevision: follow");
    const bench = aPlannedRelease({}, { tenant: following });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    bench.revise("tenant", following.replace("timeout: 6h", "timeout: 5h"));
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
  });
});

describe("a freeze that begins between the examination of stacks in the second wave and their events", () => {
  it("holds all but those", async () => {
    let sends = 0;
    const waves = [{ name: "canary", where: "metadata.ring == 'canary'", pause: "15m" }, { name: "rest" }];
    const bench: ReleaseYard = aReleaseYard({
      createHolds,
      config: { waves, concurrency: 2 },
      plant: (executor) =>
        plantBug(executor, (_, yard) => ({
          yard: {
            async send(events) {
              sends += 1;
              const deps = { records: bench.yard.store.records, clock: bench.yard.clock };
              if (sends === 2) await startFreeze(deps, { name: "audit", reason: "Audit.", by: "ada" });
              return yard.send(events);
            },
          },
        })),
    });
    await bench.addTenants(8, (index) => ({ ring: index < 2 ? "canary" : "rest" }));
    await bench.start("1.42.0");
    await bench.yard.advance(3_600_000);

    expect(await bench.tallyOf("1.42.0")).toBe("done 4, waiting FROZEN 4");
  });
});

describe("a plan that does not name a task", () => {
  it("is not followed by that task, and nothing is sent", async () => {
    const source = JSON.parse(toPlannedMachine());
    source.tasks.other = { executor: "deploy", config: { ...TO_TENANTS, plan: `\${metadata.plan}` } };
    source.tasks.tenants.needs = ["other"];
    source.states.GO.tasks = ["other", "tenants"];
    const bench = aReleaseYard({ release: JSON.stringify(source) });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.yard.advance(60_000);

    expect(await bench.taskOf("1.42.0", "other")).toBe("GO ERROR PLAN_UNKNOWN");
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0" });
  });
});
