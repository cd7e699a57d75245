import { startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";

// What users of other tools have reported about checks, approvals and turns between environments, and the way back.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const toSoak = (soak: object, more: object = {}) => ({
  tenants: { executor: "deploy", config: TO_TENANTS },
  soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", ...soak } }, ...more },
});

function aSoakingYard(soak: object, more?: object): ReleaseYard {
  return aReleaseYard({ release: toReleaseMachine({ tasks: toSoak(soak, more), go: ["tenants", "soak"] }) });
}

describe("a check between environments", () => {
  it("is made anew by a retry, for its whole time (argo-rollouts#2897)", async () => {
    const bench = aSoakingYard({ for: "1h" });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(30 * MINUTE);
    await bench.send("t0", "PUSHED", { metadata: { api: "1.40.0" } });
    await bench.yard.advance(5 * MINUTE);
    const failed = await bench.taskOf("1.42.0", "soak");
    await bench.send("t0", "RELEASED", { metadata: { api: "1.42.0" } });
    await bench.yard.advance(MINUTE);
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.yard.advance(50 * MINUTE);
    const again = await bench.taskOf("1.42.0", "soak");
    await bench.yard.advance(15 * MINUTE);

    expect([failed, again, await bench.taskOf("1.42.0", "soak")]).toEqual([
      "GO ERROR STACK_MOVED",
      "GO PENDING",
      "DONE",
    ]);
  });

  it("that ends faster than it is checked ends the release (argo-rollouts#747)", async () => {
    const bench = aSoakingYard({ for: "1s" });
    bench.pace.buildMs = 1;
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });

  it("waits no longer than its timeout (flagger#1450)", async () => {
    const bench = aSoakingYard({ for: "2h" }, { timeout: "30m" });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(40 * MINUTE);

    expect(await bench.taskOf("1.42.0", "soak")).toMatch(/^GO ERROR/);
    expect((await bench.yard.findStack("shop-1.42.0"))?.state).toBe("GO");
  });

  it("of which the result is not known is not passed at the end of a pause (argo-rollouts#3850)", async () => {
    const hidden = new Set<string>();
    const waves = [{ name: "canary", where: "metadata.ring == 'canary'", pause: "1h" }, { name: "rest" }];
    const bench = aReleaseYard({
      config: { waves },
      plant: (executor) =>
        plantBug(executor, (_, yard) => ({
          yard: {
            load: async (ids) =>
              (await yard.load(ids)).map((each) =>
                hidden.has(each.stackId) ? { stackId: each.stackId, version: 0, parked: [], hidden: true } : each,
              ),
          },
        })),
    });
    await bench.addTenants(3, (index) => ({ ring: index === 0 ? "canary" : "rest" }));
    await bench.start("1.42.0");
    await bench.yard.advance(30 * MINUTE);
    hidden.add("t0");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_HIDDEN");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.41.0", t2: "1.41.0" });
  });

  it("of one target lets none of the others pass (octopus#2792)", async () => {
    const toRing = (ring: string) => ({
      ...TO_TENANTS,
      stacks: { machine: "tenant", where: `metadata.ring == '${ring}'` },
      each: "6h",
    });
    const tasks = {
      tenants: { executor: "deploy", config: toRing("first") },
      others: { executor: "deploy", needs: ["tenants"], config: toRing("rest") },
    };
    const bench = aReleaseYard({ release: toReleaseMachine({ tasks, go: ["tenants", "others"] }) });
    await bench.addTenants(4, (index) => ({ ring: index < 2 ? "first" : "rest" }));
    bench.pace.spreadMs = HOUR;
    await bench.start("1.42.0");
    await bench.yard.advance(30 * MINUTE);
    const during = await bench.versionsOf();
    const tally = await bench.tallyOf("1.42.0");
    await bench.finish("1.42.0");

    expect(tally).toBe("done 1, sent 1");
    expect([during["t2"], during["t3"]]).toEqual(["1.41.0", "1.41.0"]);
    expect(await bench.tallyOf("1.42.0", "others")).toBe("done 2");
  });
});

describe("a new version", () => {
  it("reaches environments that have failed before, and heals them (argo-rollouts#1416)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    bench.broken.add("t0").add("t1");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.clear();
    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    expect([await bench.taskOf("1.43.0"), await bench.tallyOf("1.43.0")]).toEqual(["DONE", "done 2"]);
  });

  it("is approved for the tasks that its plan names, and for no other (kargo#6562)", async () => {
    const machine = JSON.parse(toPlannedMachine());
    machine.tasks.others = { ...machine.tasks.tenants };
    machine.states.GO.tasks = ["tenants", "others"];
    const bench = aReleaseYard({ release: JSON.stringify(machine) });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0", "others")).toBe("GO ERROR PLAN_UNKNOWN");
    expect(await bench.rowsOf("1.42.0", "others")).toEqual([]);
  });
});

/** Releases that wait for a person in REVIEW, with a turn over the states. */
function aTurnYard(states: readonly string[]): ReleaseYard {
  const tasks = {
    turn: { executor: "gate", config: { turn: { name: "prod", states } } },
    tenants: { executor: "deploy", needs: ["turn"], config: TO_TENANTS },
  };
  const machine = JSON.parse(toReleaseMachine({ tasks, go: ["tenants"] }));
  machine.events.GIVEN = {};
  machine.states.INIT.on.RELEASED = states.includes("ASK") ? "ASK" : "REVIEW";
  machine.states.GO.tasks = ["turn", "tenants"];
  machine.states.ASK = { tasks: ["turn"], on: { NEXT: "REVIEW", FAILED: "STOPPED", STOP: "STOPPED" } };
  machine.states.REVIEW = { on: { GIVEN: "GO", STOP: "STOPPED" } };
  return aReleaseYard({ release: JSON.stringify(machine) });
}

const placeOf = async ({ yard }: ReleaseYard, version: string) => (await yard.findStack(`shop-${version}`))?.state;

describe("a release that waits for a person", () => {
  it("keeps the next one from what it was planned for, where its turn has that state too (octopus#4564)", async () => {
    const bench = aTurnYard(["ASK", "REVIEW", "GO"]);
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);
    await bench.start("1.43.0");
    await bench.yard.advance(HOUR);
    const during = [await placeOf(bench, "1.42.0"), await placeOf(bench, "1.43.0")];
    await bench.send("shop-1.42.0", "GIVEN");
    await bench.finish("1.42.0");
    await bench.yard.advance(HOUR);

    expect(during).toEqual(["REVIEW", "ASK"]);
    expect([await placeOf(bench, "1.42.0"), await placeOf(bench, "1.43.0")]).toEqual(["DONE", "REVIEW"]);
  });

  it("blocks no other one where its turn begins after that (octopus#5666)", async () => {
    const bench = aTurnYard(["GO"]);
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);
    await bench.start("1.43.0");
    await bench.yard.advance(MINUTE);
    await bench.send("shop-1.43.0", "GIVEN");
    await bench.finish("1.43.0");

    expect([await placeOf(bench, "1.42.0"), await placeOf(bench, "1.43.0")]).toEqual(["REVIEW", "DONE"]);
  });

  it("has its turn in all of its states without a gap, however many wait (gocd#8442)", async () => {
    const bench = aTurnYard(["ASK", "REVIEW", "GO"]);
    await bench.addTenants(2);
    const versions = ["1.42.0", "1.43.0", "1.44.0", "1.45.0"];
    const most: number[] = [];
    for (const version of versions) await bench.start(version);
    for (let step = 0; step < 400; step += 1) {
      await bench.yard.advance(3_000);
      const places = await Promise.all(versions.map((version) => placeOf(bench, version)));
      most.push(places.filter((place) => place === "REVIEW" || place === "GO").length);
      if (step % 50 === 49) for (const version of versions) await bench.send(`shop-${version}`, "GIVEN");
    }

    expect(Math.max(...most)).toBe(1);
    expect(await bench.versionsOf()).toEqual({ t0: "1.45.0", t1: "1.45.0" });
  });
});

describe("the way back", () => {
  it("leads to what was before the version that has failed, not to the one before that (spinnaker#5489)", async () => {
    const bench = aReleaseYard({ config: { maxFailures: "100%" } });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.add("t0");
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    bench.broken.clear();
    await bench.send("shop-1.43.0", "ROLLBACK");
    await bench.finish("1.43.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
    expect([bench.ran.get("t0"), bench.ran.get("t1")]).toEqual(["1.42.0", "1.42.0"]);
  });

  it("needs neither pauses nor soaks, nor the end of a freeze (argo-rollouts#3669)", async () => {
    const waves = [{ name: "first", share: "50%", pause: "2h" }, { name: "rest" }];
    const tasks = toSoak({ for: "2h" });
    const planned = { ...tasks, tenants: { ...tasks.tenants, config: { ...TO_TENANTS, waves } } };
    const release = toReleaseMachine({ tasks: planned, go: ["tenants", "soak"] });
    const bench = aReleaseYard({ createHolds, release });
    await bench.addTenants(4);
    await bench.start("1.42.0");
    await bench.yard.advance(3 * HOUR);
    const { store, clock } = bench.yard;
    await startFreeze({ records: store.records, clock }, { name: "winter", reason: "r", by: "ada", machine: "tenant" });
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(MINUTE);

    expect(new Set(Object.values(await bench.versionsOf()))).toEqual(new Set(["1.41.0"]));
    expect((await bench.yard.findStack("shop-1.42.0"))?.state).toBe("DONE");
  });
});
