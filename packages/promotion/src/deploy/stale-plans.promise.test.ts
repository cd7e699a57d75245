import { describe, expect, it } from "vitest";
import { aPlannedRelease, toPlannedMachine } from "../testing/a-planned-release.ts";
import { type ReleaseYard, TENANT } from "../testing/a-release-yard.ts";

/** As a tenant, with a state in which RELEASED is refused. */
const WITH_HELD = TENANT.replace("PAUSE: PAUSED", "PAUSE: PAUSED, CHECK: HELD")
  .replace("CHECK: CHECKING, ", "")
  .replace("  GONE:", "  HELD: {}\n  GONE:");
const DAY = 86_400_000;
const SELECTED = { stacks: { machine: "tenant", where: "metadata.ring != 'internal'" }, maxFailures: 1 };

/** Plans two tenants, lets something happen, and sends. */
async function play(happens: (bench: ReleaseYard) => Promise<unknown>, tenant?: string): Promise<ReleaseYard> {
  const bench = aPlannedRelease(SELECTED, tenant === undefined ? {} : { tenant });
  await bench.addTenants(2, () => ({ tier: "gold", ring: "rest" }));
  await bench.start("1.42.0");
  await bench.yard.advance(10_000);
  await happens(bench);
  await bench.send("shop-1.42.0", "PLANNED");
  await bench.finish("1.42.0");
  return bench;
}

/** Which events of the release the first tenant has had. */
async function outcomesOf({ yard }: ReleaseYard): Promise<readonly string[]> {
  const lines = await yard.listHistory("t0");
  return lines.flatMap(({ event, outcome, release }) => {
    return event === "RELEASED" && release?.id === "shop-1.42.0" ? [outcome] : [];
  });
}

const push = (metadata: object) => (bench: ReleaseYard) => bench.send("t0", "PUSHED", { metadata });
const gold = { tier: "gold" };

describe("an approved plan is stale, and its stack gets nothing,", () => {
  it.each<readonly [string, (bench: ReleaseYard) => Promise<unknown>, string]>([
    ["a person has set another version", push({ api: "by hand" }), "failed PLAN_STALE 1"],
    ["a person has set the version of the release", push({ api: "1.42.0" }), "failed PLAN_STALE 1"],
    ["a key that the plan shows has changed", push({ api: "1.41.0", tier: "silver" }), "failed PLAN_STALE 1"],
    ["it does not fit the rule any more", push({ api: "1.41.0", ring: "internal" }), "failed PLAN_STALE 1"],
    [
      "a person has sent it the event of releases",
      async (bench) => {
        await bench.send("t0", "RELEASED", { metadata: { api: "1.40.9" } });
        await bench.yard.advance(20_000);
      },
      "failed PLAN_STALE 1",
    ],
    [
      "a newer release has come first",
      async (bench) => {
        await bench.yard.advance(1_000);
        await bench.start("1.43.0");
        await bench.yard.advance(10_000);
        await bench.send("shop-1.43.0", "PLANNED");
        await bench.finish("1.43.0");
        expect(await bench.tallyOf("1.43.0")).toBe("done 2");
      },
      "skipped NEWER_RELEASE 2",
    ],
    ["its machine would end elsewhere", (bench) => bench.send("t0", "PAUSE"), "failed PLAN_STALE 1"],
    [
      "it was upgraded",
      async (bench) => {
        bench.revise("tenant", `${TENANT}  more: { executor: work, config: {} }\n`);
        await bench.send("t0", "UPGRADE_STACK");
      },
      "failed PLAN_STALE 1",
    ],
    [
      "it was removed",
      (bench) => bench.send("t0", "REMOVE_STACK", { force: true, reason: "test" }),
      "skipped STACK_REMOVED 1",
    ],
    [
      "it was removed and created again, with the same values",
      async (bench) => {
        await bench.send("t0", "REMOVE_STACK", { force: true, reason: "test" });
        await bench.send("t0", "OPENED", { machine: "tenant", metadata: { api: "1.41.0", ring: "rest", ...gold } });
      },
      "failed STACK_MOVED 1",
    ],
    [
      "it does not come to rest in time",
      async (bench) => {
        bench.pace.buildMs = 3 * 3_600_000;
        await bench.send("t0", "CHECK");
        bench.pace.buildMs = 5_000;
      },
      "failed PLAN_STALE 1",
    ],
  ])("when %s", async (_, happens, expected) => {
    const bench = await play(happens);

    expect(await bench.tallyOf("1.42.0")).toBe(expected.endsWith("2") ? expected : `done 1, ${expected}`);
    expect(await outcomesOf(bench)).toEqual([]);
  });

  it("when its machine would refuse the event by now", async () => {
    const bench = await play((each) => each.send("t0", "CHECK"), WITH_HELD);

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed PLAN_STALE 1");
    expect(await outcomesOf(bench)).toEqual([]);
  });

  it("also on a retry: only a new plan brings it the version", async () => {
    const bench = await play(push({ api: "1.41.0", ring: "internal" }));
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");
    expect(await outcomesOf(bench)).toEqual([]);

    await push({ api: "1.41.0", ring: "rest" })(bench);
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await outcomesOf(bench)).toEqual(["applied"]);
  });

  /** Both tenants have had their event and failed; something happens to the first, then the task is retried. */
  async function retry(happens: (bench: ReleaseYard) => Promise<unknown>): Promise<ReleaseYard> {
    const bench = aPlannedRelease(SELECTED);
    await bench.addTenants(2, () => ({ ...gold, ring: "rest" }));
    bench.broken.add("t0").add("t1");
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");
    bench.broken.clear();
    await happens(bench);
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");
    return bench;
  }

  it.each(["1.42.0", "1.41.0"])("when it had its event, and was removed and created again with %s", async (api) => {
    const bench = await retry(async ({ send }) => {
      await send("t0", "REMOVE_STACK", { force: true, reason: "test" });
      await send("t0", "OPENED", { machine: "tenant", metadata: { api, ring: "rest", ...gold } });
    });

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed STACK_MOVED 1");
    expect(await bench.versionsOf()).toEqual({ t0: api, t1: "1.42.0" });
  });

  it("when it had its event, and was upgraded: another machine would run", async () => {
    const bench = await retry(async ({ revise, send }) => {
      revise("tenant", `${TENANT}  more: { executor: work, config: {} }\n`);
      await send("t0", "UPGRADE_STACK");
    });

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed PLAN_STALE 1");
    expect(await outcomesOf(bench)).toEqual(["applied"]);
  });

  it("when the release itself had created it: only its own one is sent to again", async () => {
    const playCreated = async (isAnew: boolean) => {
      const bench = aPlannedRelease({ stacks: "t0", create: "tenant" });
      bench.broken.add("t0");
      await bench.start("1.42.0");
      await bench.yard.advance(10_000);
      await bench.send("shop-1.42.0", "PLANNED");
      await bench.finish("1.42.0");
      bench.broken.clear();
      if (isAnew) {
        await bench.send("t0", "REMOVE_STACK", { force: true, reason: "test" });
        await bench.send("t0", "OPENED", { machine: "tenant", metadata: { api: "1.42.0" } });
      }
      await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
      await bench.finish("1.42.0");
      return bench.tallyOf("1.42.0");
    };

    expect(await playCreated(false)).toBe("done 1");
    expect(await playCreated(true)).toBe("failed STACK_MOVED 1");
  });

  it("when it changes after the others were sent to: each is compared before its own event", async () => {
    const bench = aPlannedRelease({ ...SELECTED, concurrency: 1 });
    await bench.addTenants(3, () => gold);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.yard.advance(3_000);
    const last = (await bench.rowsOf("1.42.0")).at(-1)?.stack ?? "";

    await bench.send(last, "PUSHED", { metadata: { api: "1.41.0", ring: "internal" } });
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2, failed PLAN_STALE 1");
    expect((await bench.versionsOf())[last]).toBe("1.41.0");
  });
});

describe("an approved plan is not followed at all", () => {
  it.each<readonly [string, object]>([
    ["another event", { event: "PUSHED" }],
    ["other values", { metadata: { api: "1.44.0" } }],
    ["other states of arrival", { until: ["LIVE", "PAUSED"] }],
    ["other waves", { waves: [{ name: "first", share: "50%" }, { name: "rest" }] }],
  ])("when the task has %s since: the release was upgraded", async (_, config) => {
    const bench = await play(async (each) => {
      each.revise("shop", toPlannedMachine({ ...SELECTED, ...config }));
      await each.send("shop-1.42.0", "UPGRADE_STACK");
    });

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
    expect(await outcomesOf(bench)).toEqual([]);
  });

  it("when it is the plan of another release, or kept no longer", async () => {
    const other = await play(async (each) => {
      await each.start("1.42.1");
      await each.yard.advance(10_000);
      const digest = (await each.yard.findStack("shop-1.42.1"))?.metadata["plan"];
      await each.send("shop-1.42.0", "PLANNED", { metadata: { plan: digest } });
    });
    const old = await play((each) => each.yard.advance(91 * DAY));

    expect(await other.taskOf("1.42.0")).toBe("GO ERROR PLAN_UNKNOWN");
    expect(await old.taskOf("1.42.0")).toBe("GO ERROR PLAN_UNKNOWN");
    expect([await outcomesOf(other), await outcomesOf(old)]).toEqual([[], []]);
  });
});

describe("an approved plan is still followed", () => {
  it.each<readonly [string, (bench: ReleaseYard) => Promise<unknown>, string]>([
    ["a check for drift has run", (bench) => bench.send("t0", "CHECK"), "done 2"],
    [
      "its machine has a newer revision that it was not upgraded to",
      async (bench) => bench.revise("tenant", `${TENANT}  more: { executor: work, config: {} }\n`),
      "done 2",
    ],
    [
      "another stack fits the rule now: that one is left alone",
      (bench) => bench.send("t9", "OPENED", { machine: "tenant", metadata: { api: "1.41.0", ...gold } }),
      "done 2, skipped NOT_IN_PLAN 1",
    ],
    ["89 days have passed", (bench) => bench.yard.advance(89 * DAY), "done 2"],
  ])("when %s", async (_, happens, expected) => {
    const bench = await play(happens);

    expect(await bench.tallyOf("1.42.0")).toBe(expected);
    expect(await outcomesOf(bench)).toEqual(["applied"]);
  });
});
