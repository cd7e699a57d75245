import type { Sender } from "@stackyard/core/access";
import { describe, expect, it } from "vitest";
import { aReleaseYard, type ReleaseYard, TO_TENANTS } from "../testing/a-release-yard.ts";
import { findPlanDigest, findPlanHead } from "./plan-records.ts";

const person = (id: string, ...groups: readonly string[]): Sender => ({ kind: "person", id, name: id, groups });
const oscar = person("oscar");
const rita = person("rita", "managers");
const plan = `\${metadata.plan}`;

/**
 * A release whose plan is approved, then one tenant, a soak and the others follow it; NOTE may bring any metadata. Without the name of the
 * approval, only the plan itself decides what is sent.
 */
function toMachine(config: object = {}, metadata: object = { plan: { type: "string" } }): string {
  return toApprovedMachine(config, metadata).replace('"approved":["approve"],', "");
}

function toApprovedMachine(config: object = {}, metadata: object = { plan: { type: "string" } }): string {
  const on = { NOTE: "no-op", STOP: "STOPPED" };
  return JSON.stringify({
    version: 2,
    events: { RELEASED: { metadata: ["api"] }, AGAIN: {}, NOTE: {}, STOP: {}, END: {} },
    metadata: { api: { type: "string" }, ...metadata },
    states: {
      INIT: { on: { RELEASED: "REVIEW" } },
      REVIEW: { tasks: ["plan", "approve"], on: { ...on, NEXT: "PRODUCTION", FAILED: "STOPPED" } },
      PRODUCTION: {
        approved: ["approve"],
        tasks: ["first", "watch", "tenants"],
        on: { ...on, NEXT: "DONE", FAILED: "STOPPED" },
      },
      STOPPED: { leaving: "cancel", on: { AGAIN: "REVIEW", NOTE: "no-op", END: "GONE" } },
      DONE: { on: { AGAIN: "REVIEW", END: "GONE" } },
      GONE: { terminal: true },
    },
    tasks: {
      plan: { executor: "deploy", config: { op: "plan", of: ["first", "tenants"] }, outputs: { plan: "digest" } },
      approve: { executor: "approval", needs: ["plan"], config: { from: ["managers"], of: plan } },
      first: { executor: "deploy", config: { ...TO_TENANTS, stacks: "t0", plan } },
      watch: { executor: "gate", needs: ["first"], config: { soak: { of: "first", for: "10m" } } },
      tenants: {
        executor: "deploy",
        needs: ["watch"],
        config: {
          ...TO_TENANTS,
          stacks: { machine: "tenant", where: "metadata.tier == 'gold'", min: 0 },
          plan,
          ...config,
        },
      },
    },
  });
}

const aBench = async (release = toApprovedMachine()): Promise<ReleaseYard> => {
  const bench = aReleaseYard({ release });
  await bench.addTenants(3, (index) => ({ tier: index === 0 ? "prod" : "gold" }));
  return bench;
};

const start = (bench: ReleaseYard) =>
  bench.send("shop-2", "RELEASED", { machine: "shop", metadata: { api: "2" } }, oscar);

async function digestOf({ yard }: ReleaseYard, task = "tenants"): Promise<string> {
  const stack = await yard.findStack("shop-2");
  const owner = { stackId: "shop-2", incarnation: stack?.incarnation ?? "", task };
  return (await findPlanDigest({ records: yard.store.records, clock: yard.clock, owner })) ?? "";
}

/** Answers the open approval, and returns the digest of its plan. */
async function answer(bench: ReleaseYard, event: string): Promise<string> {
  await bench.yard.advance(10_000);
  const of = await digestOf(bench);
  await bench.send("shop-2", event, { task: { name: "approve" }, of }, rita);
  return of;
}

/** Rejects a plan with t2, then approves one without it, and waits for the soak; t2 fits again. */
async function playSwap(release?: string): Promise<{ readonly bench: ReleaseYard; readonly rejected: string }> {
  const bench = await aBench(release);
  await start(bench);
  const rejected = await answer(bench, "REJECT_TASK");
  await bench.send("t2", "PUSHED", { metadata: { api: "1.41.0", tier: "silver" } });
  await bench.send("shop-2", "AGAIN", {}, oscar);
  expect(await answer(bench, "APPROVE_TASK")).not.toBe(rejected);
  await bench.yard.advance(60_000);
  await bench.send("t2", "PUSHED", { metadata: { api: "1.41.0", tier: "gold" } });
  return { bench, rejected };
}

describe("a plan that was approved", () => {
  it("is not swapped for one that was rejected, by an event that may bring it (CVE-2026-27111)", async () => {
    const { bench, rejected } = await playSwap();

    await bench.send("shop-2", "NOTE", { metadata: { plan: rejected } }, oscar);
    await bench.finish("2");

    expect((await bench.yard.findStack("shop-2"))?.lastFailure).toMatchObject({
      code: "APPROVAL_STALE",
      task: "tenants",
    });
    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "1.41.0", t2: "1.41.0" });
  });

  it("cannot even be brought where its key is read-only", async () => {
    const { bench, rejected } = await playSwap(toApprovedMachine({}, { plan: { type: "string", readOnly: true } }));

    await bench.send("shop-2", "NOTE", { metadata: { plan: rejected } }, oscar);
    await bench.finish("2");

    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "2", t2: "1.41.0" });
  });

  it("is followed only while it is the last one, whether or not the state names the approval", async () => {
    const { bench, rejected } = await playSwap(toMachine());

    await bench.send("shop-2", "NOTE", { metadata: { plan: rejected } }, oscar);
    await bench.finish("2");

    expect((await bench.yard.findStack("shop-2"))?.lastFailure).toMatchObject({
      code: "PLAN_UNKNOWN",
      task: "tenants",
    });
    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "1.41.0", t2: "1.41.0" });
  });

  it("is not that of an earlier release of the same id", async () => {
    const bench = await aBench(toMachine());
    await start(bench);
    const earlier = await answer(bench, "REJECT_TASK");
    await bench.send("shop-2", "END", {}, oscar);
    await bench.send("t2", "PUSHED", { metadata: { api: "1.41.0", tier: "silver" } });
    await start(bench);
    await answer(bench, "APPROVE_TASK");

    await bench.send("shop-2", "NOTE", { metadata: { plan: earlier } }, oscar);
    await bench.finish("2");

    expect((await bench.yard.findStack("shop-2"))?.lastFailure).toMatchObject({
      code: "PLAN_UNKNOWN",
      task: "tenants",
    });
  });

  it("is known with who has approved it, for each task that follows it", async () => {
    const { bench } = await playSwap();
    await bench.finish("2");

    const { plan: followed, approval } = (await bench.stateOf("2")) ?? {};
    expect([followed, approval?.task, approval?.by]).toEqual([
      await digestOf(bench),
      "approve",
      [{ name: "rita", id: "rita" }],
    ]);
    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "2", t2: "1.41.0" });
  });
});

describe("a state that names the approval of a plan", () => {
  it("sends nothing by a revision whose task is another one than was approved", async () => {
    const { bench } = await playSwap();

    bench.revise("shop", toApprovedMachine({ maxFailures: "100%" }));
    await bench.send("shop-2", "UPGRADE_STACK", {}, oscar);
    await bench.finish("2");

    expect((await bench.yard.findStack("shop-2"))?.lastFailure).toMatchObject({
      code: "APPROVAL_STALE",
      task: "tenants",
    });
    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "1.41.0", t2: "1.41.0" });
  });
});

describe("the digest of a plan", () => {
  it.each<readonly [string, object]>([
    ["maxFailures", { maxFailures: "100%" }],
    ["failed", { failed: ["LIVE", "BROKEN"].slice(1).concat("PAUSED") }],
    ["holds", { window: "always" }],
    ["holds", { alarms: ["other"] }],
    ["waves", { waves: [{ name: "all", pause: "1h" }, { name: "rest" }] }],
    ["waves", { waves: [{ name: "all", pause: "1h" }] }],
    ["waves", { waves: [{ name: "all", where: "metadata.tier == 'gold'" }] }],
    ["skipFrozen", { skipFrozen: true }],
    ["again", { again: true }],
    ["concurrency", { concurrency: 500 }],
    ["eachMs", { each: "12h" }],
  ])("covers %s: a release that was upgraded after the approval asks again (floci PR 2696)", async (key, config) => {
    const { bench } = await playSwap(toMachine());
    const before = await digestOf(bench);

    bench.revise("shop", toMachine(config));
    await bench.send("shop-2", "UPGRADE_STACK", {}, oscar);
    await bench.finish("2");

    const { lastFailure } = (await bench.yard.findStack("shop-2")) ?? {};
    expect(lastFailure).toMatchObject({ code: "PLAN_STALE", message: expect.stringContaining(key) });
    expect(await bench.versionsOf()).toEqual({ t0: "2", t1: "1.41.0", t2: "1.41.0" });
    await bench.send("shop-2", "AGAIN", {}, oscar);
    expect(await answer(bench, "APPROVE_TASK")).not.toBe(before);
    const deps = { records: bench.yard.store.records, clock: bench.yard.clock };
    expect((await findPlanHead(deps, await digestOf(bench)))?.tasks).toHaveLength(2);
  });
});
