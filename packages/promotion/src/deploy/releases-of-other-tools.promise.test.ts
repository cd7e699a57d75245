import { endFreeze, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS } from "../testing/a-release-yard.ts";

// What users of other tools have reported about versions on their way through environments.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Staging is `t0` and soaks for an hour, production is `t1`; each has a turn. */
const PIPELINE = JSON.stringify({
  version: 2,
  events: { RELEASED: { metadata: ["api"] }, STOP: {} },
  metadata: { api: { type: "string" } },
  states: {
    INIT: { on: { RELEASED: "STAGING" } },
    STAGING: { tasks: ["test-turn", "staging", "soak"], on: { NEXT: "REVIEW", FAILED: "STOPPED" } },
    REVIEW: { tasks: ["turn"], on: { NEXT: "PRODUCTION", FAILED: "STOPPED" } },
    PRODUCTION: { tasks: ["production"], on: { NEXT: "DONE", FAILED: "STOPPED" } },
    STOPPED: { leaving: "cancel" },
    DONE: {},
  },
  tasks: {
    "test-turn": { executor: "gate", config: { turn: { name: "shop-staging" } } },
    staging: { executor: "deploy", needs: ["test-turn"], config: { ...TO_TENANTS, stacks: "t0" } },
    soak: { executor: "gate", needs: ["staging"], config: { soak: { of: "staging", for: "1h" } } },
    turn: { executor: "gate", config: { turn: { name: "shop-prod", states: ["REVIEW", "PRODUCTION"] } } },
    production: { executor: "deploy", config: { ...TO_TENANTS, stacks: "t1" } },
  },
});

async function createPipeline(): Promise<ReleaseYard> {
  const bench = aReleaseYard({ release: PIPELINE, createHolds });
  await bench.addTenants(2, (index) => ({ ring: index === 0 ? "staging" : "production" }));
  return bench;
}

const toDeps = ({ yard }: ReleaseYard) => ({ records: yard.store.records, clock: yard.clock });
const freezeProduction = (bench: ReleaseYard) =>
  startFreeze(toDeps(bench), { name: "audit", reason: "r", by: "ada", where: "metadata.ring == 'production'" });

const stateOf = async ({ yard }: ReleaseYard, version: string) => (await yard.findStack(`shop-${version}`))?.state;
const sentTo = async ({ yard }: ReleaseYard, id: string) =>
  (await yard.listHistory(id)).filter(
    ({ event, outcome, to }) => event === "RELEASED" && outcome === "applied" && to === "BUILD",
  ).length;

describe("a version that waits for production", () => {
  it("has soaked, also when staging has a newer one since, and keeps none from staging (kargo#4238, concourse#643)", async () => {
    const bench = await createPipeline();
    await freezeProduction(bench);
    await bench.start("1.42.0");
    await bench.yard.advance(HOUR + 10 * MINUTE);
    expect(await stateOf(bench, "1.42.0")).toBe("PRODUCTION");

    await bench.start("1.43.0");
    await bench.yard.advance(10 * MINUTE);
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.41.0" });
    await endFreeze(toDeps(bench), "audit");
    await bench.yard.advance(5 * MINUTE);

    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.42.0" });
  });

  it("is not overtaken by the next one while it is held (spinnaker#5545)", async () => {
    const bench = await createPipeline();
    await freezeProduction(bench);
    await bench.start("1.42.0");
    await bench.yard.advance(HOUR + 10 * MINUTE);
    await bench.start("1.43.0");
    await bench.yard.advance(HOUR + 10 * MINUTE);
    expect([await stateOf(bench, "1.42.0"), await stateOf(bench, "1.43.0")]).toEqual(["PRODUCTION", "REVIEW"]);

    await endFreeze(toDeps(bench), "audit");
    await bench.yard.advance(10 * MINUTE);

    expect([await stateOf(bench, "1.42.0"), await stateOf(bench, "1.43.0")]).toEqual(["DONE", "DONE"]);
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
  });

  it("passes its soak when a person settles it, with a reason (kargo#4237)", async () => {
    const bench = await createPipeline();
    await bench.start("1.42.0");
    await bench.yard.advance(10 * MINUTE);
    expect(await stateOf(bench, "1.42.0")).toBe("STAGING");

    const settled = { task: { name: "soak" }, as: "succeeded", reason: "hotfix" };
    await bench.send("shop-1.42.0", "SETTLE_TASK", settled);
    await bench.yard.advance(5 * MINUTE);

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
  });

  it("that has failed does not keep the next one away (kargo#3050)", async () => {
    const bench = await createPipeline();
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.yard.advance(5 * MINUTE);
    expect(await stateOf(bench, "1.42.0")).toBe("STOPPED");

    bench.broken.clear();
    await bench.start("1.43.0");
    await bench.yard.advance(HOUR + 10 * MINUTE);

    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
  });

  it("has soaked where an earlier release brought it: what was not sent to counts too (kargo#6360)", async () => {
    const bench = await createPipeline();
    await bench.start("1.42.0");
    await bench.yard.advance(2 * HOUR);

    await bench.send("shop-again", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
    await bench.yard.advance(5 * MINUTE);

    expect(await stateOf(bench, "again")).toBe("DONE");
    expect(await bench.tallyOf("again", "staging")).toBe("unchanged 1");
    expect(await sentTo(bench, "t0")).toBe(1);
  });
});

describe("a version between two waves", () => {
  const waves = [{ name: "canary", where: "metadata.ring == 'canary'", pause: "15m" }, { name: "rest" }];
  const ring = (index: number) => ({ ring: index < 2 ? "canary" : "rest" });

  it("stops in the pause, and a way back needs no pause (argo-rollouts#1152, flagger#616)", async () => {
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(5, ring);
    await bench.start("1.42.0");
    await bench.yard.advance(5 * MINUTE);
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(2 * HOUR);
    const canaries = { t0: "1.42.0", t1: "1.42.0" };
    const others = { t2: "1.41.0", t3: "1.41.0", t4: "1.41.0" };
    expect(await bench.versionsOf()).toEqual({ ...canaries, ...others });

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(MINUTE);

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0", ...others });
  });

  it("goes back when its canary never becomes healthy, and nothing else gets it (argo-rollouts#4461)", async () => {
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(5, ring);
    bench.pace.buildMs = 2 * HOUR;
    await bench.start("1.42.0");
    await bench.yard.advance(5 * MINUTE);

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(5 * HOUR);

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0", t2: "1.41.0", t3: "1.41.0", t4: "1.41.0" });
    expect([await sentTo(bench, "t1"), await sentTo(bench, "t2")]).toEqual([2, 0]);
  });

  it("ends below the newer one that begins meanwhile (argo-rollouts#1690)", async () => {
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(5, ring);
    await bench.start("1.42.0");
    await bench.yard.advance(5 * MINUTE);

    await bench.start("1.43.0");
    await bench.finish("1.42.0");
    await bench.finish("1.43.0");

    expect(new Set(Object.values(await bench.versionsOf()))).toEqual(new Set(["1.43.0"]));
    expect(await bench.tallyOf("1.43.0")).toBe("done 5");
  });
});

describe("a release", () => {
  it("sends the values with which it began, whatever is reported under its name later (gocd#8802)", async () => {
    const bench = aReleaseYard({ config: { concurrency: 1 } });
    await bench.addTenants(3);
    await bench.start("1.42.0");

    await bench.send("shop-1.42.0", "RELEASED", { machine: "shop", metadata: { api: "9.9.9" } });
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0", t2: "1.42.0" });
  });

  it("that is let go by two at once is sent once (kargo#5937)", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    const message = (id: string) => ({ id, stackId: "shop-1.42.0", event: "PLANNED" });
    await bench.yard.publish(message("by-ada"), message("by-ben"), message("by-ada"));
    await bench.yard.settle();
    await bench.finish("1.42.0");
    await bench.yard.advance(HOUR);

    expect([await sentTo(bench, "t0"), await sentTo(bench, "t1")]).toEqual([1, 1]);
  });

  it("meets its targets in the same order each time, one after the other (octopus#7743)", async () => {
    const bench = aReleaseYard({ config: { concurrency: 1 } });
    await bench.addTenants(6);
    const orders: string[][] = [];
    for (const version of ["1.42.0", "1.43.0"]) {
      await bench.start(version);
      await bench.finish(version);
      const rows = (await bench.rowsOf(version)).toSorted((a, b) => (a.sentAt ?? 0) - (b.sentAt ?? 0));
      expect(new Set(rows.map(({ sentAt }) => sentAt)).size).toBe(6);
      orders.push(rows.map(({ stack }) => stack));
    }

    expect(orders[1]).toEqual(orders[0]);
  });

  it("that was taken back stays back: nothing brings the newest version again (flux2#4676)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    for (const version of ["1.42.0", "1.43.0"]) {
      await bench.start(version);
      await bench.finish(version);
    }

    await bench.send("shop-1.43.0", "ROLLBACK");
    await bench.finish("1.43.0");
    await bench.yard.advance(2 * HOUR);

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
    expect(await stateOf(bench, "1.43.0")).toBe("DONE");
  });
});
