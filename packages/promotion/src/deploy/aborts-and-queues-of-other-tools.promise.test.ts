import { describe, expect, it } from "vitest";
import { aPlannedRelease, toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS } from "../testing/a-release-yard.ts";

// What users of other tools have reported about releases that were stopped, and about those that wait for each other.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const stateOf = async ({ yard }: ReleaseYard, version: string) => (await yard.findStack(`shop-${version}`))?.state;
const sentTo = async ({ yard }: ReleaseYard, id: string) =>
  (await yard.listHistory(id)).filter(
    ({ event, outcome, to }) => event === "RELEASED" && outcome === "applied" && to === "BUILD",
  ).length;

const waves = [{ name: "canary", where: "metadata.ring == 'canary'", pause: "15m" }, { name: "rest" }];
const ring = (index: number) => ({ ring: index < 2 ? "canary" : "rest" });

async function startWaves(): Promise<ReleaseYard> {
  const bench = aReleaseYard({ config: { waves } });
  await bench.addTenants(5, ring);
  await bench.start("1.42.0");
  return bench;
}

describe("a release that was stopped", () => {
  it("does not begin again by itself, also when what was on its way ends later (argo-rollouts#2929)", async () => {
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(5, ring);
    bench.pace.buildMs = 30 * MINUTE;
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(48 * HOUR);

    const others = { t2: "1.41.0", t3: "1.41.0", t4: "1.41.0" };
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0", ...others });
    expect(await stateOf(bench, "1.42.0")).toBe("STOPPED");
  });

  it("continues with the rest when it is begun again, and sends to none twice (argo-rollouts#841)", async () => {
    const bench = await startWaves();
    await bench.yard.advance(5 * MINUTE);
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(HOUR);
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    expect(new Set(Object.values(await bench.versionsOf()))).toEqual(new Set(["1.42.0"]));
    expect(await Promise.all(["t0", "t1", "t2", "t3", "t4"].map((id) => sentTo(bench, id)))).toEqual([1, 1, 1, 1, 1]);
  });

  it("does not keep the next version away, and is not revived by it (argo-rollouts#2048)", async () => {
    const bench = await startWaves();
    await bench.yard.advance(5 * MINUTE);
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(MINUTE);
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    await bench.yard.advance(HOUR);

    expect(await bench.tallyOf("1.43.0")).toBe("done 5");
    expect(await stateOf(bench, "1.42.0")).toBe("STOPPED");
  });
});

describe("stacks that an earlier version has left in trouble", () => {
  it("get the next version, which arrives (argo-rollouts#3110)", async () => {
    const bench = aReleaseYard({ config: { maxFailures: "100%" } });
    await bench.addTenants(3);
    for (const id of ["t0", "t1", "t2"]) bench.broken.add(id);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.clear();
    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    expect(await bench.tallyOf("1.43.0")).toBe("done 3");
  });

  it("fail each version that does not come up, not the first one only (argo-rollouts#3988)", async () => {
    const bench = aReleaseYard({ config: { each: "10m" } });
    await bench.addTenants(1);
    bench.pace.buildMs = HOUR;
    const codes: string[] = [];
    for (const version of ["1.42.0", "1.43.0"]) {
      await bench.start(version);
      await bench.finish(version);
      codes.push(await bench.taskOf(version));
    }

    expect(codes).toEqual(["GO ERROR STACK_TIMEOUT", "GO ERROR STACK_TIMEOUT"]);
  });
});

describe("a selection of many", () => {
  it("of which all have the version leads no stack on (octopus#9500)", async () => {
    const stacks = { machine: "tenant", where: "metadata.tier == 'gold'" };
    const bench = aReleaseYard({ config: { stacks } });
    await bench.addTenants(4, (index) => (index < 2 ? { tier: "gold", api: "1.42.0" } : { tier: "free" }));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("unchanged 2");
    expect(await Promise.all(["t0", "t1", "t2", "t3"].map((id) => sentTo(bench, id)))).toEqual([0, 0, 0, 0]);
  });

  it("continues to the next task for each of them, when all arrive at once (octopus#5408)", async () => {
    const source = JSON.parse(toPlannedMachine());
    const tasks = { ...source.tasks, tenants: { executor: "deploy", config: { ...TO_TENANTS, concurrency: 50 } } };
    const after = { executor: "deploy", needs: ["tenants"], config: { ...TO_TENANTS, again: true, concurrency: 50 } };
    source.states.INIT.on.RELEASED = "GO";
    source.states.GO.tasks = ["tenants", "after"];
    const bench = aReleaseYard({ release: JSON.stringify({ ...source, tasks: { ...tasks, after } }) });
    await bench.addTenants(30);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect([await bench.tallyOf("1.42.0"), await bench.tallyOf("1.42.0", "after")]).toEqual(["done 30", "done 30"]);
  });
});

/** Each version waits for its turn, which it keeps on its way back too. */
const IN_TURN = JSON.stringify({
  version: 2,
  events: { RELEASED: { metadata: ["api"] }, ROLLBACK: {} },
  metadata: { api: { type: "string" } },
  states: {
    INIT: { on: { RELEASED: "GO" } },
    GO: { tasks: ["turn", "tenants"], on: { NEXT: "DONE", FAILED: "FAILED", ROLLBACK: "BACK" } },
    BACK: { leaving: "cancel", tasks: ["undo"], on: { NEXT: "DONE" } },
    DONE: {},
    FAILED: {},
  },
  tasks: {
    turn: { executor: "gate", config: { turn: { name: "shop", states: ["GO", "BACK"] } } },
    tenants: { executor: "deploy", needs: ["turn"], config: TO_TENANTS },
    undo: { executor: "deploy", config: { op: "undo", of: "tenants" } },
  },
});

async function startInTurn(): Promise<ReleaseYard> {
  const bench = aReleaseYard({ release: IN_TURN });
  await bench.addTenants(2);
  bench.pace.buildMs = 10 * MINUTE;
  await bench.start("1.42.0");
  await bench.yard.advance(MINUTE);
  return bench;
}

describe("versions that wait for each other", () => {
  it("end but for the newest, so that no queue of old ones is worked off (spinnaker#1690)", async () => {
    const bench = await startInTurn();
    for (const version of ["1.43.0", "1.44.0", "1.45.0"]) {
      await bench.start(version);
      await bench.yard.advance(MINUTE);
    }
    await bench.yard.advance(HOUR);

    const states = await Promise.all(["1.42.0", "1.43.0", "1.44.0", "1.45.0"].map((each) => stateOf(bench, each)));
    expect(states).toEqual(["DONE", "FAILED", "FAILED", "DONE"]);
    expect(await sentTo(bench, "t0")).toBe(2);
  });

  it("that were started at one instant go one after the other (spinnaker#2310)", async () => {
    const bench = aReleaseYard({ release: IN_TURN });
    await bench.addTenants(2);
    const message = (version: string) => {
      return {
        id: version,
        stackId: `shop-${version}`,
        event: "RELEASED",
        machine: "shop",
        metadata: { api: version },
      };
    };
    await bench.yard.publish(message("1.42.0"), message("1.43.0"));
    await bench.yard.settle();
    let both = 0;
    for (let second = 0; second < 120; second += 1) {
      await bench.yard.advance(1_000);
      const turns = await Promise.all(["1.42.0", "1.43.0"].map((each) => bench.stateOf(each)));
      if (turns.every((state) => state !== undefined && state.endedAt === undefined)) both += 1;
    }

    expect(both).toBe(0);
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
  });

  it("wait also for one that goes back (spinnaker#4030)", async () => {
    const bench = await startInTurn();
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.start("1.43.0");
    await bench.yard.advance(15 * MINUTE);
    expect([await stateOf(bench, "1.42.0"), await bench.taskOf("1.43.0", "turn")]).toEqual(["BACK", "GO PENDING"]);

    await bench.yard.advance(HOUR);

    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 2");
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
  });
});

describe("an approved plan of two tasks", () => {
  it("is not made stale by the first of them, where both have a stack (terragrunt#4170)", async () => {
    const source = JSON.parse(toPlannedMachine());
    const plan = `\${metadata.plan}`;
    source.tasks.first = { executor: "deploy", config: { ...TO_TENANTS, stacks: "t0", plan } };
    source.tasks.tenants.needs = ["first"];
    source.tasks.plan.config.of = ["first", "tenants"];
    source.states.GO.tasks = ["first", "tenants"];
    const bench = aReleaseYard({ release: JSON.stringify(source) });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0", "first")).toBe("done 1");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, unchanged 1");
  });

  it("that nothing has changed since is followed, however many others are made meanwhile (terraform#21785)", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2);
    for (const version of ["1.42.0", "1.42.1", "1.42.2"]) {
      await bench.start(version);
      await bench.yard.advance(10_000);
    }
    await bench.send("shop-1.42.1", "PLANNED");
    await bench.finish("1.42.1");

    expect(await bench.tallyOf("1.42.1")).toBe("done 2");
  });
});
