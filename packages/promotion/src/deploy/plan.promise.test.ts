import { describe, expect, it } from "vitest";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TENANT } from "../testing/a-release-yard.ts";
import { findPlan } from "./plan-records.ts";

async function planOf({ yard }: ReleaseYard, version: string) {
  const digest = String((await yard.findStack(`shop-${version}`))?.metadata["plan"]);
  return findPlan({ records: yard.store.records, clock: yard.clock }, digest);
}

describe("a plan", () => {
  it("says per stack what would change and run, and sends nothing", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2, (index) => (index === 0 ? { api: "1.42.0" } : { tier: "gold" }));

    await bench.start("1.42.0");
    await bench.yard.advance(10_000);

    const plan = await planOf(bench, "1.42.0");
    expect(plan?.summary).toMatch(/^2 stacks: .*1 move.*\. 1 task would run\.$/);
    expect(plan?.entries.find(({ stack }) => stack === "t1")).toEqual({
      task: "tenants",
      stack: "t1",
      incarnation: "open-1",
      revision: expect.stringMatching(/^[0-9a-f]{64}$/),
      wave: "all",
      does: "move",
      from: { api: "1.41.0" },
      to: { api: "1.42.0" },
      show: { tier: "gold" },
      tasks: ["BUILD/build"],
      end: "LIVE",
      isWhole: true,
      reads: expect.any(String),
    });
    expect(plan?.entries.find(({ stack }) => stack === "t0")).toMatchObject({ does: "same", tasks: [] });
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.41.0" });
  });

  it("waits for stacks that move, and lists those that do not rest in time", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(1);
    bench.pace.buildMs = 1_800_000;
    await bench.send("t0", "CHECK");
    await bench.start("1.42.0");
    await bench.yard.advance(600_000);
    expect(await bench.taskOf("1.42.0", "plan")).toBe("REVIEW PENDING");
    await bench.yard.advance(1_300_000);
    expect((await planOf(bench, "1.42.0"))?.entries[0]?.does).toBe("move");
  });

  it("has the same digest when nothing has changed but instants and versions: after a check for drift it is sent", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    const first = await planOf(bench, "1.42.0");
    await bench.send("t0", "CHECK");
    await bench.yard.advance(30_000);

    await bench.send("shop-1.42.0", "AGAIN");
    await bench.yard.advance(10_000);
    expect((await planOf(bench, "1.42.0"))?.digest).toBe(first?.digest);
    await bench.send("t1", "CHECK");
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2");
  });

  it("is stale after a change by hand: nothing is sent", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("t1", "PUSHED", { metadata: { api: "by hand" } });

    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
    expect(await bench.tallyOf("1.42.0")).toBe("failed PLAN_STALE 1, unsent 2");
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "by hand", t2: "1.41.0" });
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("is stale for what is shown, for another incarnation and for another state, within the failures that are allowed", async () => {
    const bench = aPlannedRelease({ maxFailures: 3 });
    await bench.addTenants(4);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("t0", "PUSHED", { metadata: { api: "1.41.0", tier: "gold" } });
    await bench.send("t1", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.send("t1", "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
    await bench.send("t2", "PAUSE");

    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed PLAN_STALE 2, failed STACK_MOVED 1");
  });

  it("is stale for a stack that was upgraded since", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    bench.revise("tenant", `${TENANT}  more: { executor: work, config: {} }\n`);
    await bench.send("t0", "UPGRADE_STACK");

    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
  });

  it("leaves stacks alone that it lacks, and skips those that were removed", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("t9", "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
    await bench.send("t1", "END");

    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, skipped NOT_IN_PLAN 1, skipped STACK_REMOVED 1");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t9: "1.41.0" });
  });

  it("is compared again before each event: a change during the deployment stops that stack", async () => {
    const bench = aPlannedRelease({ concurrency: 1 });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.yard.advance(3_000);
    const last = (await bench.rowsOf("1.42.0")).at(-1)?.stack ?? "";

    await bench.send(last, "PUSHED", { metadata: { api: "by hand" } });
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
    expect((await bench.versionsOf())[last]).toBe("by hand");
  });

  it("is followed by a retry of what has failed", async () => {
    const bench = aPlannedRelease();
    await bench.addTenants(2);
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
    bench.broken.clear();

    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2");
  });

  it("must exist: without one nothing is sent", async () => {
    const bench = aReleaseYard({ config: { plan: `\${metadata.plan}` } });
    await bench.addTenants(1);

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_UNKNOWN");
  });

  it("keeps the order of keys out of the digest", async () => {
    const { toDigest } = await import("./plan-entry.ts");
    expect(toDigest({ a: 1, b: [{ d: 2, c: 3 }] })).toBe(toDigest({ b: [{ c: 3, d: 2 }], a: 1 }));
    expect(toDigest({ a: 1 })).not.toBe(toDigest({ a: 2 }));
  });
});
