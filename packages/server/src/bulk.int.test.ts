import { defineExecutor, failed, succeeded } from "@stackyard/core";
import { createMemoryStore, type StoredStack } from "@stackyard/core/engine";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

type Answer = Readonly<Record<string, unknown>>;
interface List {
  readonly items: readonly Answer[];
  readonly cursor?: string;
}

let yard: TestYard;
afterEach(() => yard.stop());

/** Fails while `isBroken`. */
const world = { isBroken: false };
const executor = defineExecutor({
  name: "script",
  config: Type.Object({}),
  start: async () =>
    world.isBroken ? failed({ code: "BROKEN", message: "It is broken.", retryable: false }) : succeeded({}),
});

async function launch(count: number, prefix = "pr"): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(5, "0")}`);
  for (let start = 0; start < count; start += 100) {
    const body = ids.slice(start, start + 100).map((stackId) => ({ stackId, event: "LAUNCH", machine: "review-app" }));
    await yard.call("/v1/events", { body });
  }
  return ids;
}

const countStacks = async (query: string) => (await yard.json<List>(`/v1/stacks?limit=1000&${query}`)).items.length;

async function startBulk(body: object): Promise<string> {
  const response = await yard.call("/v1/bulk", { body });
  expect([response.status, await response.clone().json()]).toMatchObject([202, { status: "running" }]);
  return ((await response.json()) as { id: string }).id;
}

async function untilDone(id: string): Promise<Answer> {
  await expect.poll(async () => (await yard.json<Answer>(`/v1/bulk/${id}`))["status"]).toMatch(/^(done|cancelled)$/);
  return yard.json(`/v1/bulk/${id}`);
}

const copy = (item: StoredStack, id: string): StoredStack => ({ ...item, stack: { ...item.stack, id } });

async function refusal(body: object): Promise<Answer> {
  const response = await yard.call("/v1/bulk", { body });
  return (await response.json()) as Answer;
}

describe("a bulk operation", () => {
  it("sends an event to all stacks of a filter, and lists what became of each", async () => {
    yard = createTestYard();
    yard.run();
    await launch(120);
    await expect.poll(() => countStacks("state=IDLE")).toBe(120);

    const id = await startBulk({
      operation: "send",
      filter: { idPrefix: "pr-000" },
      body: { event: "DEPLOY" },
      reason: "new image",
    });

    expect(await untilDone(id)).toMatchObject({
      operation: "send",
      event: "DEPLOY",
      actor: "tester",
      reason: "new image",
      total: 100,
      done: 100,
      counts: { applied: 100 },
      endedAt: expect.any(String),
    });
    const first = await yard.json<List>(`/v1/bulk/${id}/items?limit=60`);
    const second = await yard.json<List>(`/v1/bulk/${id}/items?limit=60&cursor=${first.cursor}`);
    expect([first.items.length, second.items.length, second.cursor]).toEqual([60, 40, undefined]);
    expect(second.items[39]).toEqual({ n: 100, id: "pr-00099", outcome: "applied", eventId: `bulk-${id}-100` });
    expect((await yard.json<List>(`/v1/bulk/${id}/items?outcome=refused`)).items).toEqual([]);
    const { items } = await yard.json<List>(`/v1/events/bulk-${id}-7/history`);
    expect(items).toMatchObject([{ stackId: "pr-00006", event: "DEPLOY", outcome: "applied", actor: "tester" }]);
  });

  it("reports in a dry run what would happen, and changes nothing", async () => {
    yard = createTestYard();
    yard.run();
    const ids = await launch(60);
    await expect.poll(() => countStacks("state=IDLE")).toBe(60);
    await yard.call("/v1/stacks/pr-00000/remove", { body: { force: true, reason: "r" } });
    const before = await yard.json<List>("/v1/history?limit=1");

    const filter = { ids: [...ids, ids[3] ?? ""] };
    const plan = await yard.json("/v1/bulk", {
      body: { operation: "send", filter, body: { event: "DEPLOY" }, dryRun: true },
    });

    expect(plan).toMatchObject({
      operation: "send",
      total: 60,
      examined: 60,
      outcomes: [
        { outcome: "applied", count: 59, examples: ids.slice(1, 6) },
        { outcome: "ignored", code: "STACK_UNKNOWN", count: 1, examples: ["pr-00000"] },
      ],
    });
    expect(await yard.json("/v1/history?limit=1")).toEqual(before);
    expect(await yard.json("/v1/bulk")).toEqual({ items: [] });
  });

  it("retries failed tasks, and reports the codes of those that refuse", async () => {
    world.isBroken = true;
    yard = createTestYard({ executor });
    yard.run();
    await launch(3);
    await expect.poll(() => countStacks("condition=failed")).toBe(3);
    world.isBroken = false;

    const retry = await startBulk({ operation: "retry", filter: { condition: "failed" }, body: { task: "create" } });
    expect(await untilDone(retry)).toMatchObject({ total: 3, counts: { applied: 3 } });
    await expect.poll(() => countStacks("state=IDLE")).toBe(3);
    const cancel = await startBulk({ operation: "cancel", filter: {}, body: { task: "create" } });

    expect(await untilDone(cancel)).toMatchObject({ total: 3, counts: { refused: 3 } });
    const { items } = await yard.json<List>(`/v1/bulk/${cancel}/items`);
    expect(new Set(items.map(({ code }) => code)).size).toBe(1);
    expect(items[0]).toMatchObject({ outcome: "refused", code: expect.any(String), reason: expect.any(String) });
    expect((await yard.json<List>("/v1/bulk")).items.map(({ id }) => id)).toEqual([cancel, retry]);
    expect((await yard.json<List>("/v1/bulk?limit=1")).items).toHaveLength(1);
  });

  it("needs the digest of a dry run to settle or remove, and is refused when other stacks match", async () => {
    yard = createTestYard();
    yard.run();
    await launch(2);
    await expect.poll(() => countStacks("state=IDLE")).toBe(2);
    const remove = { operation: "remove", filter: { machine: "review-app" }, reason: "gone" };

    expect(await refusal(remove)).toMatchObject({
      status: 400,
      code: "USAGE",
      detail: expect.stringContaining('needs "plan"'),
    });
    expect(await refusal({ ...remove, reason: undefined })).toMatchObject({
      status: 400,
      code: "USAGE",
      detail: expect.stringContaining("reason"),
    });
    // People give the reason when they have seen what would happen.
    const load = () =>
      yard.json<{ digest: string; ids: readonly string[] }>("/v1/bulk", {
        body: { ...remove, reason: undefined, dryRun: true },
      });
    const before = await load();
    // As many as before, but others.
    await yard.call("/v1/stacks/pr-00001/remove", { body: { force: true, reason: "r" } });
    await launch(1, "other");
    await expect.poll(() => countStacks("state=IDLE")).toBe(2);
    expect(await refusal({ ...remove, plan: before.digest })).toMatchObject({ status: 409, code: "PLAN_STALE" });
    const plan = await load();
    expect(plan).toMatchObject({ total: 2, outcomes: [{ outcome: "removed", count: 2 }] });
    expect([before.ids, plan.ids]).toEqual([
      ["pr-00000", "pr-00001"],
      ["other-00000", "pr-00000"],
    ]);
    const id = await startBulk({ ...remove, plan: plan.digest });

    expect(await untilDone(id)).toMatchObject({ counts: { removed: 2 } });
    expect(await countStacks("")).toBe(0);
  });

  it("upgrades, with a replay of at most 200 stacks in a dry run", async () => {
    yard = createTestYard();
    yard.run();
    await launch(201);
    await expect.poll(() => countStacks("state=IDLE")).toBe(201);
    const upgrade = { operation: "upgrade", filter: { machine: "review-app" } };

    const plan = await yard.json("/v1/bulk", { body: { ...upgrade, dryRun: true } });

    expect(plan).toMatchObject({ total: 201, examined: 200, outcomes: [{ count: 200 }] });
    const id = await startBulk({ ...upgrade, filter: { ids: ["pr-00000"] } });
    expect(await untilDone(id)).toMatchObject({ total: 1, done: 1, event: "UPGRADE_STACK" });
  });

  it("puts dead letters back into the queue", async () => {
    yard = createTestYard();
    yard.run();
    const body = [1, 2, 3].map((n) => ({
      id: `odd-${n}`,
      stackId: `odd-${n}`,
      event: "UNHEARD-OF",
      machine: "review-app",
    }));
    await yard.call("/v1/events", { body });
    const list = async () => (await yard.json<List>("/v1/dead-letters")).items;
    await expect.poll(async () => (await list()).length).toBe(3);
    const ids = (await list()).map(({ id }) => String(id));

    const id = await startBulk({ operation: "redrive", filter: { stackId: "odd-2" } });
    expect(await untilDone(id)).toMatchObject({ counts: { redriven: 1 } });
    await expect.poll(async () => (await list()).filter((letter) => ids.includes(String(letter["id"]))).length).toBe(2);
    const again = await startBulk({ operation: "redrive", filter: { ids } });

    expect(await untilDone(again)).toMatchObject({ total: 2, counts: { redriven: 2 } });
    const { items } = await yard.json<List>(`/v1/bulk/${again}/items`);
    expect(items[0]).not.toHaveProperty("eventId");
  });

  it("is cancelled between its chunks; what is not sent is skipped", async () => {
    yard = createTestYard();
    await launch(0);
    yard.run();
    await launch(160);
    await expect.poll(() => countStacks("state=IDLE")).toBe(160);
    await yard.halt();
    const id = await startBulk({ operation: "send", filter: {}, body: { event: "DEPLOY" } });

    const answer = await yard.json(`/v1/bulk/${id}/cancel`, { body: { reason: "wrong image" } });
    yard.run();

    expect(answer).toMatchObject({ status: "cancelling", cancelledBy: "tester", cancelReason: "wrong image" });
    const { counts } = (await untilDone(id)) as { counts: Record<string, number> };
    expect((counts["applied"] ?? 0) + (counts["skipped"] ?? 0)).toBe(160);
    expect(counts["skipped"]).toBeGreaterThanOrEqual(110);
    expect((await yard.json<List>(`/v1/bulk/${id}/items?outcome=skipped&limit=1000`)).items).toHaveLength(
      counts["skipped"] ?? 0,
    );
    const after = await yard.json<Answer>(`/v1/bulk/${id}/cancel`, { body: {} });
    expect(after).toMatchObject({ status: "cancelled", cancelledBy: "tester" });
  });

  it("refuses what no stack could take", async () => {
    yard = createTestYard();

    const send = { operation: "send", filter: {} };
    expect(await refusal({ ...send, body: {} })).toMatchObject({
      status: 400,
      code: "USAGE",
      detail: expect.stringContaining("event"),
    });
    expect(await refusal({ ...send, body: { event: "REMOVE_STACK" } })).toMatchObject({ status: 400, code: "USAGE" });
    expect(await refusal({ ...send, body: { event: "TASK_COMPLETED" } })).toMatchObject({ status: 400, code: "USAGE" });
    expect(await refusal({ ...send, body: { event: "NEXT" } })).toMatchObject({ status: 400, code: "USAGE" });
    expect(await refusal({ ...send, body: { event: "X", metadata: { a: "x".repeat(70_000) } } })).toMatchObject({
      status: 413,
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await refusal({ ...send, body: { event: "X", extra: 1 } })).toMatchObject({ status: 400, code: "USAGE" });
    expect(await refusal({ operation: "retry", filter: { event: "X" } })).toMatchObject({
      status: 400,
      code: "USAGE",
      detail: expect.stringContaining('"event"'),
    });
    expect(await refusal({ operation: "redrive", filter: { machine: "X" } })).toMatchObject({
      status: 400,
      code: "USAGE",
    });
    expect(await refusal({ operation: "retry", filter: { ids: ["a"], machine: "X" } })).toMatchObject({
      status: 400,
      code: "USAGE",
    });
    expect(await refusal({ operation: "explode", filter: {} })).toMatchObject({ status: 400, code: "USAGE" });
    for (const path of ["/v1/bulk/none", "/v1/bulk/none/items", `/v1/bulk/${encodeURIComponent("a/../b")}`]) {
      expect((await yard.call(path)).status).toBe(404);
    }
  });

  it("chooses by all that the list of stacks is filtered by", async () => {
    yard = createTestYard({ executor });
    yard.run();
    await launch(2);
    const event = { event: "LAUNCH", machine: "review-app", metadata: { branch: "main" } };
    await yard.call("/v1/events", { body: { ...event, stackId: "main" } });
    await expect.poll(() => countStacks("state=IDLE")).toBe(3);
    world.isBroken = true;
    await yard.call("/v1/events", { body: { event: "DEPLOY", stackId: "main" } });
    await expect.poll(() => countStacks("condition=failed")).toBe(1);
    world.isBroken = false;
    const { machineHash: revision } = await yard.json<{ machineHash: string }>("/v1/stacks/main");
    const totalOf = async (filter: object) => {
      const body = { operation: "send", filter, body: { event: "DEPLOY" }, dryRun: true };
      return (await yard.json<{ total: number }>("/v1/bulk", { body })).total;
    };

    const filters = [
      { text: "r-0" },
      { metadata: { branch: "main" } },
      { revision },
      { revision: "0".repeat(64) },
      { task: "create", code: "BROKEN" },
      { code: "OTHER" },
      { machine: "review-app", state: "IDLE", idPrefix: "pr-00001" },
    ];
    expect(await Promise.all(filters.map(totalOf))).toEqual([2, 1, 3, 0, 1, 0, 1]);
  });

  it("has at most 10,000 items", async () => {
    const store = createMemoryStore();
    const { queries } = store;
    const wide: typeof queries = {
      ...queries,
      async listStacks(filter, page) {
        const { items } = await queries.listStacks(filter, page);
        const next = Number(page.cursor ?? 0) + 1;
        const copies = Array.from({ length: 1_000 }, (_, n) => items.map((item) => copy(item, `${next}-${n}`)));
        return { items: copies.flat(), ...(next < 11 && { cursor: String(next) }) };
      },
    };
    yard = createTestYard({ store: { ...store, queries: wide } });
    yard.run();
    await launch(1);
    await expect.poll(() => countStacks("")).toBe(1_000);

    const body = { operation: "send", filter: {}, body: { event: "DEPLOY" }, dryRun: true };
    expect(await refusal(body)).toMatchObject({ status: 422, code: "FILTER_TOO_WIDE", details: { most: 10_000 } });
  });

  it("reserves the ids of its events", async () => {
    yard = createTestYard();
    const id = "bulk-01ARZ3NDEKTSV4RRFFQ69G5FAV-1";

    const answer = await yard.json("/v1/events", {
      body: [
        { id, stackId: "a", event: "X" },
        { id: "bulk-import-1", stackId: "a", event: "X" },
      ],
    });

    expect(answer).toMatchObject({ results: [{ kind: "invalid", code: "EVENT_RESERVED" }, { kind: "accepted" }] });
  });
});
