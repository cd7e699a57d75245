import { exceptRelease, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";

// Reports of users of other tools, each tried on a whole yard.

/** How often each tenant has applied an event of a release. */
async function countApplied({ yard }: ReleaseYard, count: number): Promise<readonly number[]> {
  const histories = await Promise.all(Array.from({ length: count }, (_, index) => yard.listHistory(`t${index}`)));
  return histories.map((lines) => {
    return lines.filter(({ event, outcome, release }) => event === "RELEASED" && outcome === "applied" && release)
      .length;
  });
}

describe("a release that is tried again", () => {
  it("sends to those that have failed, and not to those that have it (kubestellar/console#7172)", async () => {
    const bench = aReleaseYard({ config: { maxFailures: 1 } });
    await bench.addTenants(4);
    bench.broken.add("t2").add("t3");
    await bench.start("2");
    await bench.finish("2");
    bench.broken.clear();

    await bench.send("shop-2", "RETRY_FAILED_TASKS");
    await bench.finish("2");

    expect(await countApplied(bench, 4)).toEqual([1, 1, 2, 2]);
    expect(await bench.tallyOf("2")).toBe("done 4");
  });

  it("sends a new event at every try, however often it has failed (openshift/origin#2558)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.broken.add("t0");
    await bench.start("2");
    await bench.finish("2");
    await bench.send("shop-2", "RETRY_FAILED_TASKS");
    await bench.finish("2");
    bench.broken.clear();

    await bench.send("shop-2", "RETRY_FAILED_TASKS");
    await bench.finish("2");

    expect([await countApplied(bench, 1), await bench.tallyOf("2")]).toEqual([[3], "done 1"]);
  });

  it.each(["RETRY_FAILED_TASKS", "AGAIN"])(
    "by %s keeps to the stacks that it was limited to (OctopusDeploy/Issues#4383, #2625)",
    async (event) => {
      const bench = aReleaseYard({ config: { stacks: { machine: "tenant", where: "metadata.ring == 'one'" } } });
      await bench.addTenants(4, (index) => ({ ring: index < 2 ? "one" : "two" }));
      bench.broken.add("t1");
      await bench.start("2");
      await bench.finish("2");
      bench.broken.clear();

      await bench.send("shop-2", event);
      await bench.finish("2");

      expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "2", t2: "1.41.0", t3: "1.41.0" });
    },
  );
});

describe("a release to what is broken", () => {
  it("reaches a stack whose version before had failed (bookingcom/shipper#99)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    bench.broken.add("t0");
    await bench.send("t0", "RELEASED", { metadata: { api: "1.41.5" } });
    await bench.yard.advance(10_000);
    bench.broken.clear();

    await bench.start("2");
    await bench.finish("2");

    expect([await bench.tallyOf("2"), await bench.versionsOf()]).toEqual(["done 2", { t0: "2", t1: "2" }]);
  });

  it("is undone wherever that is possible, and names how many could not be (pipecd PR 5765)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    await bench.start("2");
    await bench.finish("2");
    bench.broken.add("t1");

    await bench.send("shop-2", "ROLLBACK");
    await bench.finish("2");

    expect([bench.ran.get("t0"), bench.ran.get("t1"), bench.ran.get("t2")]).toEqual(["1.41.0", "2", "1.41.0"]);
    expect(await bench.taskOf("2", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
  });
});

describe("what was approved for a stack", () => {
  it("is not sent when the release does not select the stack any more (kargo#2365)", async () => {
    const bench = aPlannedRelease({ stacks: { machine: "tenant", where: "metadata.tier == 'gold'" } });
    await bench.addTenants(2, () => ({ tier: "gold" }));
    await bench.start("2");
    await bench.yard.advance(20_000);
    await bench.send("t1", "PUSHED", { metadata: { api: "1.41.0", tier: "internal" } });

    await bench.send("shop-2", "PLANNED");
    await bench.finish("2");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0" });
    expect(await bench.taskOf("2")).toContain("PLAN_STALE");
  });
});

describe("a gate that a person has settled", () => {
  it("is no longer checked, and the next one has its own time (argo-rollouts#3220)", async () => {
    const soak = (needs: string, of: string) => {
      return { executor: "gate", needs: [needs], config: { soak: { of, for: "2h" } } };
    };
    const to = (id: string, needs: readonly string[] = []) => {
      return { executor: "deploy", needs, config: { ...TO_TENANTS, stacks: id } };
    };
    const tasks = {
      tenants: to("t0"),
      watch: soak("tenants", "tenants"),
      second: to("t1", ["watch"]),
      last: soak("second", "second"),
    };
    const bench = aReleaseYard({ release: toReleaseMachine({ tasks, go: Object.keys(tasks) }) });
    await bench.addTenants(2);
    await bench.start("2");
    await bench.yard.advance(60_000);

    await bench.send("shop-2", "SETTLE_TASK", { task: { name: "watch" }, as: "succeeded", reason: "seen" });
    await bench.yard.advance(60_000);
    const open = await bench.yard.store.queries.listOpenAttempts({}, { limit: 10 });
    await bench.yard.advance(3_600_000);
    const early = await bench.taskOf("2", "last");
    await bench.yard.advance(3_600_000);

    expect(open.items.map(({ task }) => task)).toEqual(["last"]);
    expect([early, await bench.taskOf("2", "last")]).toEqual(["GO PENDING", "DONE"]);
  });
});

describe("a freeze that one release passes", () => {
  it("holds every other, also a later one with the same id (argo-cd#29558)", async () => {
    const bench = aReleaseYard({ createHolds, config: { maxFailures: 5 } });
    await bench.addTenants(2);
    const deps = { records: bench.yard.store.records, clock: bench.yard.clock };
    await startFreeze(deps, { name: "winter", reason: "test", by: "ada", machine: "tenant" });
    await bench.start("2");
    await bench.start("3");
    const incarnation = (await bench.yard.findStack("shop-3"))?.incarnation ?? "";
    await exceptRelease(deps, "winter", { release: "shop-3", incarnation, reason: "an incident", by: "ada" });
    await bench.yard.advance(120_000);
    const passed = await bench.versionsOf();
    await bench.send("shop-3", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.send("shop-3", "RELEASED", { machine: "shop", metadata: { api: "4" } });
    await bench.yard.advance(120_000);

    expect(passed).toEqual({ t0: "3", t1: "3" });
    expect(await bench.versionsOf()).toEqual({ t0: "3", t1: "3" });
    expect(await bench.tallyOf("3")).toBe("waiting FROZEN 2");
  });
});
