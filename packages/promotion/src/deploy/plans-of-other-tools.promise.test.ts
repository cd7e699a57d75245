import { endFreeze, exceptRelease, listFreezes, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard } from "../testing/a-release-yard.ts";

// What users of other tools have reported about plans that are approved, and about freezes.

/** TUNED changes the ring, as a person may. */
const TENANT_WITH_TUNE = `
version: 2
events: { OPENED: {}, RELEASED: { metadata: [api] }, TUNED: { metadata: [ring] } }
metadata: { api: { type: string }, ring: { type: string }, tier: { type: string } }
states:
  INIT: { on: { OPENED: LIVE, RELEASED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { RELEASED: BUILD, TUNED: no-op } }
  BROKEN: { on: { RELEASED: BUILD, TUNED: no-op } }
tasks: { build: { executor: work, config: {} } }
`;

const sentTo = async ({ yard }: ReleaseYard, id: string) =>
  (await yard.listHistory(id)).filter(({ event }) => event === "RELEASED").length;

describe("an approved plan", () => {
  it("is the newest: what only an earlier plan has named gets nothing (atlantis#2390)", async () => {
    const bench = aPlannedRelease(
      { stacks: { machine: "tenant", where: "metadata.ring == 'a'" } },
      { tenant: TENANT_WITH_TUNE },
    );
    await bench.addTenants(2, () => ({ ring: "a" }));
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);

    await bench.send("t1", "TUNED", { metadata: { ring: "b" } });
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.yard.advance(10_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect((await bench.rowsOf("1.42.0")).map(({ stack, state }) => [stack, state])).toEqual([["t0", "done"]]);
    expect(await sentTo(bench, "t1")).toBe(0);
  });

  it("is not applied a second time by a retry to what has changed since: that needs a plan (atlantis#2396)", async () => {
    const bench = aPlannedRelease({ show: undefined, maxFailures: 1 }, { tenant: TENANT_WITH_TUNE });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    // Another release changes one of them between the approval and the event.
    await bench.send("t1", "RELEASED", { metadata: { api: "1.41.9" } });
    await bench.yard.advance(20_000);
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed PLAN_STALE 1");

    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed PLAN_STALE 1");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.41.9" });
  });

  it("that creates a stack is stale once the stack exists (atlantis#1933)", async () => {
    const bench = aPlannedRelease({ stacks: "t9", create: "tenant" }, { tenant: TENANT_WITH_TUNE });
    await bench.start("1.42.0");
    await bench.yard.advance(10_000);
    await bench.send("t9", "OPENED", { machine: "tenant", metadata: { api: "0" } });

    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
    expect(await sentTo(bench, "t9")).toBe(0);
  });

  it("of two releases at the same stacks: the second one to send finds its plan stale (atlantis#2148)", async () => {
    const bench = aPlannedRelease({}, { tenant: TENANT_WITH_TUNE });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.start("1.43.0");
    await bench.yard.advance(10_000);

    await bench.send("shop-1.43.0", "PLANNED");
    await bench.finish("1.43.0");
    await bench.send("shop-1.42.0", "PLANNED");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.43.0")).toBe("done 2");
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
    expect(await bench.taskOf("1.42.0")).toMatch(/^GO ERROR /);
    expect([await sentTo(bench, "t0"), await sentTo(bench, "t1")]).toEqual([1, 1]);
  });
});

describe("a freeze", () => {
  const toDeps = ({ yard }: ReleaseYard) => ({ records: yard.store.records, clock: yard.clock });
  const freeze = { name: "incident", reason: "incident 12", by: "ada" };

  it("is the emergency stop of a release that is under way, and lets it continue afterwards (kargo#1328)", async () => {
    const bench = aReleaseYard({ createHolds, config: { concurrency: 1 } });
    await bench.addTenants(4);
    await bench.start("1.42.0");
    await bench.yard.advance(8_000);
    await startFreeze(toDeps(bench), freeze);
    await bench.yard.advance(60_000);
    const during = await bench.tallyOf("1.42.0");
    await bench.yard.advance(600_000);

    expect(during).toMatch(/^done \d, waiting FROZEN \d$/);
    expect(await bench.tallyOf("1.42.0")).toBe(during);
    await endFreeze(toDeps(bench), "incident");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 4");
  });

  it("of some of the stacks is passed by an exception for the whole release (octopus#8793)", async () => {
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(3, (index) => ({ tier: index === 0 ? "gold" : "free" }));
    await startFreeze(toDeps(bench), { ...freeze, machine: "tenant", where: "metadata.tier == 'gold'" });
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, waiting FROZEN 1");

    const incarnation = (await bench.yard.findStack("shop-1.42.0"))?.incarnation ?? "";
    const exception = { release: "shop-1.42.0", incarnation, reason: "hotfix", by: "ben" };
    await exceptRelease(toDeps(bench), "incident", exception);
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("holds what fits its machine and its rule, not what fits one of them (argocd-operator#1609)", async () => {
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(2, (index) => ({ tier: index === 0 ? "gold" : "free" }));
    await startFreeze(toDeps(bench), { ...freeze, machine: "other", where: "metadata.tier == 'gold'" });
    await startFreeze(toDeps(bench), { ...freeze, name: "b", machine: "tenant", where: "metadata.tier == 'none'" });
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2");
  });

  it("that has ended is not listed and holds nothing, to the minute (argo-cd#2455)", async () => {
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    const to = bench.yard.clock.now() + 3_600_000;
    await startFreeze(toDeps(bench), { ...freeze, to });
    await bench.start("1.42.0");
    await bench.yard.advance(3_500_000);
    expect(await bench.tallyOf("1.42.0")).toBe("waiting FROZEN 1");
    expect((await listFreezes(toDeps(bench))).length).toBe(1);

    await bench.finish("1.42.0");

    const [row] = await bench.rowsOf("1.42.0");
    expect((row?.sentAt ?? 0) - to).toBeGreaterThanOrEqual(0);
    expect((row?.sentAt ?? 0) - to).toBeLessThan(62_000);
    expect(await listFreezes(toDeps(bench))).toEqual([]);
  });
});
