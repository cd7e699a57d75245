import type { Sender } from "@stackyard/core/access";
import { publishMessages } from "@stackyard/core/engine";
import { countingIds } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { aReleaseYard, type ReleaseYard, TO_TENANTS } from "../testing/a-release-yard.ts";
import { findPlan } from "./plan-records.ts";

const person = (id: string, ...groups: readonly string[]): Sender => ({ kind: "person", id, name: id, groups });
const [oscar, rita, rob] = [person("oscar"), person("rita", "managers"), person("rob", "managers")] as const;
const plan = `\${metadata.plan}`;

/** Two people approve a plan, which a task follows in two waves. */
const RELEASE = JSON.stringify({
  version: 2,
  events: { RELEASED: { metadata: ["api"] }, AGAIN: {}, ROLLBACK: {} },
  metadata: { api: { type: "string" }, plan: { type: "string", readOnly: true } },
  states: {
    INIT: { on: { RELEASED: "REVIEW" } },
    REVIEW: { tasks: ["plan", "approve"], on: { NEXT: "GO", FAILED: "STOPPED" } },
    GO: { approved: ["approve"], tasks: ["tenants"], on: { NEXT: "DONE", FAILED: "STOPPED" } },
    STOPPED: { on: { AGAIN: "REVIEW" } },
    DONE: {},
  },
  tasks: {
    plan: { executor: "deploy", config: { op: "plan", of: ["tenants"] }, outputs: { plan: "digest" } },
    approve: { executor: "approval", needs: ["plan"], config: { from: ["managers"], count: 2, of: plan } },
    tenants: {
      executor: "deploy",
      config: {
        ...TO_TENANTS,
        stacks: { machine: "tenant", where: "metadata.tier != 'internal'" },
        plan,
        waves: [{ name: "canary", share: "40%" }, { name: "rest" }],
        concurrency: 2,
        maxFailures: 1,
      },
    },
  },
});

type HistoryLine = Awaited<ReturnType<ReleaseYard["yard"]["listHistory"]>>[number];

/**
 * Answers for a tenant who has approved exactly what was done to it, from what a yard keeps: the line of the event, the plan
 * and the approval of its task, the entry of the plan, and the lines of the release.
 */
async function findApprovers({ yard, stateOf }: ReleaseYard, tenant: string): Promise<readonly string[]> {
  const event = (await yard.listHistory(tenant)).find(isSent);
  if (event === undefined) return [];
  const { approval, plan: digest = "", release } = (await stateOf("2", event.release?.task)) ?? {};
  const stored = await findPlan({ records: yard.store.records, clock: yard.clock }, digest);
  const entry = stored?.entries.find(({ stack }) => stack === tenant);
  expect([release?.incarnation, entry?.incarnation]).toEqual([await incarnationOf(yard, "shop-2"), event.incarnation]);
  expect(entry?.to).toEqual(event.metadata);
  // Rounds with equal plans have one digest: only lines of the entry count.
  const lines = (await yard.listHistory("shop-2")).filter(({ at }) => at <= event.at);
  const round = lines.slice(lines.findLastIndex(({ from, to }) => from !== "REVIEW" && to === "REVIEW"));
  const given = round.filter((line) => line.event === "APPROVE_TASK" && line.outcome === "applied");
  expect(given.map(({ actor }) => actor)).toEqual(approval?.settled ? [] : approval?.by.map(({ name }) => name));
  return [
    ...(approval?.settled ? ["not approved, passed by hand by"] : []),
    ...(approval?.by ?? []).map(({ name }) => name),
  ];
}

const isSent = ({ event, outcome, release }: HistoryLine) =>
  event === "RELEASED" && outcome === "applied" && release !== undefined;

async function incarnationOf(yard: ReleaseYard["yard"], id: string): Promise<string | undefined> {
  return (await yard.findStack(id))?.incarnation;
}

async function approveBy(bench: ReleaseYard, ...people: readonly Sender[]): Promise<void> {
  await bench.yard.advance(20_000);
  const of = (await bench.yard.findStack("shop-2"))?.metadata["plan"];
  for (const each of people) await bench.send("shop-2", "APPROVE_TASK", { task: { name: "approve" }, of }, each);
}

async function start(faults: object = {}): Promise<ReleaseYard> {
  const bench = aReleaseYard({ release: RELEASE, ...faults });
  await bench.addTenants(5, (index) => ({ tier: index === 4 ? "internal" : "gold" }));
  await bench.send("shop-2", "RELEASED", { machine: "shop", metadata: { api: "2" } }, oscar);
  return bench;
}

const TENANTS = ["t0", "t1", "t2", "t3", "t4"];

async function auditAll(bench: ReleaseYard): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(TENANTS.map(async (id) => [id, (await findApprovers(bench, id)).join(" ")] as const));
  return Object.fromEntries(found);
}

describe("an auditor who asks for each tenant who has approved exactly this", () => {
  it.each([1, 2, 3, 4])("finds them where processes die and a stack is tried again: seed %i", async (seed) => {
    const bench = await start({ seed, crashRate: 0.01, duplicateRate: 0.2, leaseMs: 10_000 });
    bench.broken.add("t2");
    await approveBy(bench, rita, rob);
    await bench.yard.advance(3_600_000);
    bench.broken.clear();
    await bench.send("shop-2", "RETRY_FAILED_TASKS");
    await bench.yard.advance(3_600_000);

    expect(await auditAll(bench)).toEqual({ t0: "rita rob", t1: "rita rob", t2: "rita rob", t3: "rita rob", t4: "" });
  });

  it("finds those of the last round, and none for a tenant that is another one since the approval", async () => {
    const bench = await start();
    await approveBy(bench, rita);
    await bench.send("shop-2", "REJECT_TASK", { task: { name: "approve" }, reason: "not today" }, rob);
    await bench.send("shop-2", "AGAIN", {}, oscar);
    await bench.yard.advance(20_000);
    await bench.send("t3", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.send("t3", "OPENED", { machine: "tenant", metadata: { api: "1.41.0", tier: "gold" } });
    await approveBy(bench, rob, rita);
    await bench.yard.advance(3_600_000);

    expect(await bench.tallyOf("2")).toContain("failed");
    expect((await auditAll(bench))["t3"]).toBe("");
    expect((await bench.versionsOf())["t3"]).toBe("1.41.0");
  });

  it("does not take who has passed an approval by hand for one who has approved (deploynaut PR 706)", async () => {
    const bench = await start();
    await bench.yard.advance(20_000);
    const { store, clock } = bench.yard;
    const settle = { id: "s", stackId: "shop-2", event: "SETTLE_TASK", task: { name: "approve" }, as: "succeeded" };
    const message = { ...settle, reason: "no one answers", approval: true };
    await publishMessages({ store, clock, ids: countingIds() }, [message], { sender: person("ada"), own: true });
    await bench.yard.advance(3_600_000);

    const passed = "not approved, passed by hand by ada";
    expect(await auditAll(bench)).toEqual({ t0: passed, t1: passed, t2: passed, t3: passed, t4: "" });
  });
});
