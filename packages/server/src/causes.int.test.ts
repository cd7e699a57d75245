import { defineExecutor, type Executor, failed, succeeded } from "@stackyard/core";
import type { BulkPlan, Cause, NewApiToken, StackCounts, StackDetails, StackSummary } from "@stackyard/core/api";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SOURCE = `
version: 2
metadata: { password: { sensitive: true } }
events: { LAUNCH: { metadata: [password] }, DEPLOY: {} }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [database, app], on: { NEXT: LIVE } }
  LIVE: { on: { DEPLOY: UP } }
tasks:
  database: { executor: script, config: {} }
  app: { executor: script, config: {} }
`;

/** The tasks of stacks whose ids have `no-room` and `odd` fail. */
const failing: Executor = defineExecutor({
  name: "script",
  config: Type.Object({}),
  async start({ stackId, task }) {
    if (task !== "database") return succeeded({});
    if (stackId.includes("no-room")) return failed({ code: "NO_ROOM", message: "no room, hunter2", retryable: false });
    if (stackId.includes("odd")) return failed({ code: "ODD", message: `odd: ${stackId}`, retryable: false });
    return succeeded({});
  },
});

interface CausePage {
  readonly items: readonly Cause[];
  readonly cursor?: string;
  readonly examined: number;
}

let yard: TestYard;
afterEach(() => yard.stop());

async function start() {
  yard = createTestYard({ executor: failing, source: SOURCE });
  yard.run();
  const launch = (stackId: string) => ({
    id: `launch-${stackId}`,
    event: "LAUNCH",
    stackId,
    machine: "review-app",
    metadata: { password: "hunter2" },
  });
  const ids = ["web-no-room-1", "web-no-room-2", "api-no-room-3", "web-odd-4", "web-fine-5"];
  await yard.call("/v1/events", { body: ids.map(launch) });
  await eventually(async () => {
    const { total } = await yard.json<StackCounts>("/v1/stack-counts?condition=failed");
    expect(total).toBe(4);
    expect(await yard.json("/v1/stacks/web-fine-5")).toMatchObject({ state: "LIVE" });
  });
}

const idsOf = ({ items }: { readonly items: readonly StackSummary[] }) => items.map(({ id }) => id);

describe("a degraded stack", () => {
  it("is listed, counted by its cause, and stays degraded with its error after it was acknowledged (argo-cd#11473, kargo#3155)", async () => {
    const moving = SOURCE.replace("on: { NEXT: LIVE }", "on: { NEXT: LIVE, FAILED: LIVE }");
    yard = createTestYard({ executor: failing, source: moving });
    yard.run();
    const metadata = { password: "hunter2" };
    const body = { id: "l1", event: "LAUNCH", stackId: "web-odd-1", machine: "review-app", metadata };
    await yard.call("/v1/events", { body });
    await eventually(async () => {
      expect(await yard.json("/v1/stacks/web-odd-1")).toMatchObject({ state: "LIVE", degraded: true });
    });

    const causes = await yard.json<CausePage>("/v1/causes?kind=degraded");
    const listed = await yard.json<{ items: readonly StackSummary[] }>(
      "/v1/stacks?condition=degraded&task=database&code=ODD",
    );
    const { summary } = await yard.json<{ summary: string }>("/v1/stacks/web-odd-1");
    const answer = await yard.json("/v1/stacks/web-odd-1/acknowledge", { body: { reason: "known" } });
    const acknowledged = await yard.json<StackDetails>("/v1/stacks/web-odd-1");
    const counts = await yard.json<StackCounts>("/v1/stack-counts?by=mainCondition");
    const listOf = async (query: string) => idsOf(await yard.json(`/v1/stacks?condition=degraded&${query}`));
    const left = await yard.json<CausePage>("/v1/causes?kind=degraded");

    expect(causes.items).toMatchObject([
      { kind: "degraded", task: "database", code: "ODD", count: 1, sample: { message: "odd: web-odd-1" } },
    ]);
    expect(idsOf(listed)).toEqual(["web-odd-1"]);
    expect(summary).toContain('Degraded: "database" failed in UP (ODD).');
    expect(answer).toMatchObject({ outcome: "applied" });
    expect(acknowledged).toMatchObject({
      degraded: true,
      mainCondition: "degraded",
      summary: expect.stringMatching(
        /^Degraded: "database" failed in UP \(ODD\)\. Acknowledged by \S+ \S+ ago: known\./,
      ),
      waitsFor: { kind: "event" },
      lastFailure: { message: "odd: web-odd-1", acknowledged: { at: expect.any(String), reason: "known" } },
    });
    expect(acknowledged.needsPerson).toBeUndefined();
    expect([await listOf("needsPerson=true"), await listOf("needsPerson=false")]).toEqual([[], ["web-odd-1"]]);
    expect(counts.groups).toContainEqual({ machine: "review-app", mainCondition: "degraded", count: 1 });
    expect(left.items).toEqual([]);
    await eventually(async () => {
      const audit = await yard.json<{ items: readonly unknown[] }>("/v1/audit");
      expect(audit.items).toContainEqual(
        expect.objectContaining({ action: "ACKNOWLEDGE_FAILURE", outcome: "done", reason: "known" }),
      );
    });
  });
});

describe("causes", () => {
  it("count failed tasks by task and code, with a sample that is masked", async () => {
    await start();

    const { items, examined } = await yard.json<CausePage>("/v1/causes?kind=failed");

    expect(items).toEqual([
      {
        kind: "failed",
        task: "database",
        code: "NO_ROOM",
        count: 3,
        newestAt: expect.any(String),
        sample: { stackId: expect.stringContaining("no-room"), message: "no room, ***" },
      },
      expect.objectContaining({ code: "ODD", count: 1, sample: { stackId: "web-odd-4", message: "odd: web-odd-4" } }),
    ]);
    expect(examined).toBe(4);
  });

  it("continue after a cursor", async () => {
    await start();

    const first = await yard.json<CausePage>("/v1/causes?kind=failed&limit=1");
    const second = await yard.json<CausePage>(
      `/v1/causes?kind=failed&limit=1&cursor=${encodeURIComponent(first.cursor ?? "")}`,
    );

    expect([first, second].map(({ items }) => items.map(({ code }) => code))).toEqual([["NO_ROOM"], ["ODD"]]);
    expect(second.cursor).toBeUndefined();
  });

  it("count only what the caller reads", async () => {
    await start();
    const token = await yard.json<NewApiToken>("/v1/tokens", {
      body: { name: "web", role: "viewer", stacks: ["api-"] },
    });

    const { items } = await yard.json<CausePage>("/v1/causes?kind=failed", {
      headers: { authorization: `Bearer ${token.token}` },
    });

    expect(items.map(({ code, count, sample }) => [code, count, sample.stackId])).toEqual([
      ["NO_ROOM", 1, "api-no-room-3"],
    ]);
  });

  it("count parked events and dead letters by event and code", async () => {
    await start();
    await yard.call("/v1/events", {
      body: [
        { id: "d1", event: "DEPLOY", stackId: "web-odd-4" },
        { id: "d2", event: "DEPLOY", stackId: "api-no-room-3" },
        { id: "u1", event: "UNHEARD-OF", stackId: "web-odd-4" },
        { id: "u2", event: "RARE", stackId: "web-odd-4" },
      ],
    });
    await eventually(async () => {
      expect((await yard.json<CausePage>("/v1/causes?kind=parked")).examined).toBe(2);
      expect((await yard.json<CausePage>("/v1/causes?kind=dead")).examined).toBe(2);
    });

    const parked = await yard.json<CausePage>("/v1/causes?kind=parked");
    const dead = await yard.json<CausePage>("/v1/causes?kind=dead");

    expect(parked.items).toMatchObject([{ kind: "parked", event: "DEPLOY", code: "EVENT_NOT_HANDLED", count: 2 }]);
    expect(dead.items.map(({ event, code }) => [event, code]).toSorted()).toEqual([
      ["RARE", "EVENT_UNDECLARED"],
      ["UNHEARD-OF", "EVENT_UNDECLARED"],
    ]);
    const rare = await yard.json<{ items: object[] }>("/v1/dead-letters?event=RARE&code=EVENT_UNDECLARED");
    expect(rare.items).toMatchObject([{ eventId: "u2" }]);
    expect((await yard.json<{ items: object[] }>("/v1/parked?event=LAUNCH")).items).toEqual([]);
    const filter = { event: "RARE", code: "EVENT_UNDECLARED" };
    const plan = await yard.json<BulkPlan>("/v1/bulk", { body: { operation: "redrive", filter, dryRun: true } });
    expect(plan.total).toBe(1);
  });

  it("choose the same stacks in lists, counts and bulk operations", async () => {
    await start();
    const query = "task=database&code=NO_ROOM&idPrefix=web-";

    const listed = await yard.json<{ items: StackSummary[] }>(`/v1/stacks?${query}`);
    const counted = await yard.json<StackCounts>(`/v1/stack-counts?${query}`);
    const filter = { task: "database", code: "NO_ROOM", idPrefix: "web-" };
    const plan = await yard.json<BulkPlan>("/v1/bulk", { body: { operation: "retry", filter, dryRun: true } });

    expect(idsOf(listed)).toEqual(["web-no-room-1", "web-no-room-2"]);
    expect([counted.total, plan.total]).toEqual([2, 2]);
    expect(idsOf(await yard.json(`/v1/stacks?task=app`))).toEqual([]);
    expect(idsOf(await yard.json(`/v1/stacks?code=`))).toEqual([]);
  });

  it("lists the stacks of given ids, and refuses other texts", async () => {
    await start();
    const list = (ids: unknown) => `/v1/stacks?ids=${encodeURIComponent(JSON.stringify(ids))}`;

    expect(idsOf(await yard.json(list(["web-odd-4", "unknown", "api-no-room-3"])))).toEqual([
      "api-no-room-3",
      "web-odd-4",
    ]);
    expect(idsOf(await yard.json(list([])))).toEqual([]);
    const tooMany = Array.from({ length: 1_001 }, (_, n) => `s${n}`);
    for (const ids of ["a", [1], { a: 1 }, tooMany]) {
      expect(await yard.json(list(ids))).toMatchObject({ status: 400, code: "USAGE" });
    }
    expect(await yard.json("/v1/stacks?ids=[%22a")).toMatchObject({ status: 400, code: "USAGE" });
  });
});
