import { endFreeze, exceptRelease, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { aReleaseYard, TO_TENANTS } from "../testing/a-release-yard.ts";

const HOUR = 3_600_000;

/** Staging is `t0`, production `t1`; each has a turn. */
function toRelease(soak: string): string {
  return JSON.stringify({
    version: 2,
    events: { RELEASED: { metadata: ["api"] }, AGAIN: {} },
    metadata: { api: { type: "string" } },
    states: {
      INIT: { on: { RELEASED: "STAGING" } },
      STAGING: { tasks: ["test-turn", "staging", "soak"], on: { NEXT: "REVIEW", FAILED: "STOPPED" } },
      REVIEW: { tasks: ["turn"], on: { NEXT: "PRODUCTION", FAILED: "STOPPED" } },
      PRODUCTION: { tasks: ["production"], on: { NEXT: "DONE", FAILED: "STOPPED" } },
      STOPPED: { leaving: "cancel", on: { AGAIN: "STAGING" } },
      DONE: {},
    },
    tasks: {
      "test-turn": { executor: "gate", config: { turn: { name: "shop-staging" } } },
      staging: { executor: "deploy", needs: ["test-turn"], config: { ...TO_TENANTS, stacks: "t0" } },
      soak: { executor: "gate", needs: ["staging"], config: { soak: { of: "staging", for: soak } } },
      turn: { executor: "gate", config: { turn: { name: "shop-prod", states: ["REVIEW", "PRODUCTION"] } } },
      production: { executor: "deploy", config: { ...TO_TENANTS, stacks: "t1" } },
    },
  });
}

const SOAKS = 3;
const RELEASES = 24;

/** Starts 24 releases in each soak. Returns which version came to production, and in which soak. */
async function releaseOften(soak: string, stepMs: number) {
  const bench = aReleaseYard({ release: toRelease(soak), createHolds });
  await bench.addTenants(2);
  const moves: { readonly soak: number; readonly version: number }[] = [];
  for (let index = 0; index <= SOAKS * RELEASES; index += 1) {
    await bench.start(String(100 + index));
    await bench.yard.advance(stepMs);
    const version = Number((await bench.versionsOf())["t1"]);
    if (version >= 100 && version !== moves.at(-1)?.version)
      moves.push({ soak: Math.floor(index / RELEASES), version });
  }
  return { ...bench, moves };
}

// The first takes the free turn; after each soak the newest that waits then.
const DAILY = [
  { soak: 1, version: 100 },
  { soak: 2, version: 124 },
  { soak: 3, version: 148 },
];

describe("releases that are more frequent than a soak is long (aprin-labs/archimedes#1372)", () => {
  it("move production once in each soak: every 5 minutes, 2 hours", { timeout: 120_000 }, async () => {
    const { moves, taskOf, yard } = await releaseOften("2h", 5 * 60_000);

    expect(moves).toEqual(DAILY);
    expect(await taskOf("105", "test-turn")).toBe("STOPPED");
    const { items } = await yard.store.queries.listHistory({ stackId: "shop-105" }, { limit: 20 });
    expect(JSON.stringify(items)).toContain("SUPERSEDED");
  });

  const isLong = process.env["LONG_TESTS"] === "1";
  it.runIf(isLong)("move production daily: every hour, 24 hours", { timeout: HOUR }, async () => {
    expect((await releaseOften("24h", HOUR)).moves).toEqual(DAILY);
  });
});

describe("a release that waits for a turn", () => {
  it("has it soon after the release that had it has left, not up to a minute later", async () => {
    const bench = aReleaseYard({ release: toRelease("2m"), createHolds });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(20_000);
    await bench.start("1.43.0");
    const stateOf = async (version: string) => (await bench.yard.findStack(`shop-${version}`))?.state;
    for (let second = 0; second < 200 && (await stateOf("1.42.0")) === "STAGING"; second += 1) {
      await bench.yard.advance(1_000);
    }
    expect(await stateOf("1.42.0")).not.toBe("STAGING");
    expect(await bench.taskOf("1.43.0", "test-turn")).toBe("STAGING PENDING");

    await bench.yard.advance(12_000);

    expect(await bench.taskOf("1.43.0", "test-turn")).toBe("STAGING SATISFIED");
  });
});

describe("a freeze in the second wave", () => {
  const waves = [{ name: "canary", where: "metadata.ring == 'canary'", pause: "15m" }, { name: "rest" }];
  const ring = (index: number) => ({ ring: index < 2 ? "canary" : "rest", tier: index === 4 ? "gold" : "silver" });
  const freeze = { name: "winter", reason: "Christmas.", by: "ada", machine: "tenant" };

  async function startFrozen(where?: string) {
    const bench = aReleaseYard({ createHolds, config: { waves } });
    await bench.addTenants(5, ring);
    await bench.start("1.42.0");
    await bench.yard.advance(10 * 60_000);
    const { store, clock } = bench.yard;
    const deps = { records: store.records, clock };
    await startFreeze(deps, { ...freeze, ...(where && { where }) });
    await bench.yard.advance(10 * 60_000);
    return { ...bench, deps };
  }

  it("holds what was not sent, and the release continues when it ends (argo-cd#21692)", async () => {
    const bench = await startFrozen();

    expect(await bench.tallyOf("1.42.0")).toBe("done 2, waiting FROZEN 3");
    expect(await bench.versionsOf()).toMatchObject({ t0: "1.42.0", t1: "1.42.0", t2: "1.41.0", t4: "1.41.0" });
    await endFreeze(bench.deps, "winter");
    await bench.yard.advance(5 * 60_000);
    expect(await bench.tallyOf("1.42.0")).toBe("done 5");
  });

  it("holds only the stacks that fit, and lets one release pass (octopus#9172)", async () => {
    const bench = await startFrozen("metadata.tier == 'gold'");

    expect(await bench.tallyOf("1.42.0")).toBe("done 4, waiting FROZEN 1");
    const [loaded] = await bench.yard.store.load(["shop-1.42.0"]);
    const { incarnation = "" } = loaded?.stack ?? {};
    await exceptRelease(bench.deps, "winter", { release: "shop-1.42.0", incarnation, reason: "outage", by: "bob" });
    await bench.yard.advance(5 * 60_000);
    expect(await bench.tallyOf("1.42.0")).toBe("done 5");
  });

  it("does not interrupt what was sent (argo-cd#25361)", async () => {
    const bench = aReleaseYard({ createHolds });
    bench.pace.buildMs = 10 * 60_000;
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    const { store, clock } = bench.yard;
    await startFreeze({ records: store.records, clock }, freeze);
    await bench.yard.advance(12 * 60_000);

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
  });
});
