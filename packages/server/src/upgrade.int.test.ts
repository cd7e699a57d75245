import type { Store } from "@stackyard/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SOURCE = `
version: 2
events: [LAUNCH, DOWN]
metadata: { password: { type: string, sensitive: true } }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create], on: { NEXT: IDLE } }
  IDLE: { on: { DOWN: GONE } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: {} }
`;
const NEWER = SOURCE.replace("NEXT: IDLE", "NEXT: CHECK").replace("  IDLE:", "  CHECK: {}\n  IDLE:");

interface Stack {
  readonly state: string;
  readonly machineHash: string;
}
interface Upgraded {
  readonly items: readonly { readonly stackId: string; readonly outcome: string; readonly plan?: unknown }[];
  readonly cursor?: string;
}

let yard: TestYard;
afterEach(() => yard.stop());

/** Stacks in the state IDLE. */
const createStacks = (...ids: readonly string[]) => createStacksOf(createTestYard({ source: SOURCE }), ids);

async function createStacksOf(created: TestYard, ids: readonly string[]): Promise<void> {
  yard = created;
  yard.run();
  const metadata = { password: "hunter22" };
  await yard.call("/v1/events", {
    body: ids.map((stackId) => ({ event: "LAUNCH", stackId, machine: "review-app", metadata })),
  });
  for (const id of ids) await expect.poll(async () => (await findStack(id)).state).toBe("IDLE");
}

const findStack = (id: string) => yard.json<Stack>(`/v1/stacks/${id}`);

async function newestHash(): Promise<string> {
  return (await yard.json<{ hash: string }>("/v1/machines/review-app")).hash;
}

/** How often the history of each event is read, and the highest number of concurrent reads. */
function watchQuestions(store: Store) {
  const seen = { events: new Map<string, number>(), open: 0, most: 0 };
  const ask = store.queries.listHistory;
  vi.spyOn(store.queries, "listHistory").mockImplementation(async (filter, input) => {
    const { eventId = "" } = filter;
    seen.events.set(eventId, (seen.events.get(eventId) ?? 0) + 1);
    seen.open += 1;
    seen.most = Math.max(seen.most, seen.open);
    return ask(filter, input).finally(() => {
      seen.open -= 1;
    });
  });
  return seen;
}

describe("the upgrade of a stack", () => {
  it("moves it to the newest revision, where a newer one alone would not", async () => {
    await createStacks("a");
    const { machineHash } = await findStack("a");
    yard.write(NEWER);

    const answer = await yard.json("/v1/stacks/a/upgrade", { body: { reason: "new states", id: "u1" } });

    expect(answer).toMatchObject({ eventId: "u1", stackId: "a", outcome: "applied" });
    expect((await findStack("a")).machineHash).toBe(await newestHash());
    const back = await yard.json("/v1/stacks/a/upgrade", { body: { to: machineHash } });
    expect(back).toMatchObject({ outcome: "applied" });
    expect((await findStack("a")).machineHash).toBe(machineHash);
  });

  it("reports what it would do, and changes nothing", async () => {
    await createStacks("a");
    const before = await findStack("a");
    yard.write(NEWER);

    const plan = await yard.json("/v1/stacks/a/upgrade", { body: { dryRun: true } });

    expect(plan).toMatchObject({
      stackId: "a",
      machine: "review-app",
      from: before.machineHash,
      to: await newestHash(),
      outcome: "applied",
      replayed: 2,
      more: 0,
      end: [{ what: "state", before: "IDLE", after: "CHECK" }],
      differences: [
        {
          event: "TASK_COMPLETED",
          at: expect.stringMatching(/Z$/),
          before: { outcome: "applied", state: "IDLE", sent: [] },
          after: { outcome: "applied", state: "CHECK", sent: [] },
        },
      ],
    });
    expect(JSON.stringify(plan)).not.toContain("hunter22");
    expect(await findStack("a")).toEqual(before);
  });

  it("is rejected when the new revision lacks its state, or the revision or the stack does not exist", async () => {
    await createStacks("a");
    yard.write(SOURCE.replaceAll("IDLE", "READY"));

    const missing = await yard.call("/v1/stacks/a/upgrade", { body: {} });
    const unknown = await yard.call("/v1/stacks/a/upgrade", { body: { to: "f".repeat(64) } });
    const plan = await yard.json("/v1/stacks/a/upgrade", { body: { dryRun: true } });
    const nobody = await yard.call("/v1/stacks/none/upgrade", { body: { dryRun: true } });
    const wrong = await yard.call("/v1/stacks/a/upgrade", { body: { to: "newest" } });

    expect([missing.status, await missing.json()]).toMatchObject([409, { code: "UPGRADE_STATE_MISSING" }]);
    expect([unknown.status, await unknown.json()]).toMatchObject([409, { code: "MACHINE_UNKNOWN" }]);
    expect(plan).toMatchObject({ outcome: "refused", code: "UPGRADE_STATE_MISSING" });
    expect([nobody.status, wrong.status]).toEqual([404, 400]);
  });
});

describe("the upgrade of a machine's stacks", () => {
  it("moves them one page at a time, and reports the outcome of each", async () => {
    await createStacks("a", "b", "c");
    yard.write(NEWER);
    await yard.json("/v1/stacks/b/upgrade", { body: {} });

    const first = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: { limit: 2, reason: "r" } });
    const second = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: { cursor: first.cursor } });

    expect([...first.items, ...second.items]).toMatchObject([
      { stackId: "a", outcome: "applied", eventId: expect.any(String) },
      { stackId: "b", outcome: "unchanged" },
      { stackId: "c", outcome: "applied" },
    ]);
    expect(second.cursor).toBeUndefined();
    const { items } = await yard.json<{ items: unknown[] }>("/v1/stacks/a/history?limit=1");
    expect(items).toMatchObject([{ event: "UPGRADE_STACK", actor: "tester", reason: "r" }]);
  });

  it("moves stacks as their plans have shown, and no other", async () => {
    await createStacks("a", "b", "c");
    yard.write(NEWER);
    const path = "/v1/machines/review-app/upgrade";
    const { items } = await yard.json<Upgraded>(path, { body: { dryRun: true } });
    const digests = items.map(({ stackId, plan }) => [stackId, (plan as { digest: string }).digest]);
    const [[, first] = []] = digests;
    const plans = { ...Object.fromEntries(digests.slice(0, 1)), b: first };

    const done = await yard.json<Upgraded>(path, { body: { plans } });

    expect(done.items).toMatchObject([
      { stackId: "a", outcome: "applied" },
      { stackId: "b", outcome: "refused", code: "PLAN_STALE" },
      { stackId: "c", outcome: "refused", code: "PLAN_STALE" },
    ]);
  });

  it("reports for each what it would do", async () => {
    await createStacks("a", "b");
    yard.write(NEWER);

    const planned = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: { dryRun: true } });

    expect(planned.items).toMatchObject([
      { stackId: "a", outcome: "applied", plan: { differences: [{ event: "TASK_COMPLETED" }] } },
      { stackId: "b", outcome: "applied", plan: { differences: [{ event: "TASK_COMPLETED" }] } },
    ]);
  });

  it("reports for each what a document that the yard does not have would do", async () => {
    await createStacks("a");
    const { machineHash } = await findStack("a");

    const planned = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", {
      body: { dryRun: true, source: NEWER },
    });
    const same = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", {
      body: { dryRun: true, source: SOURCE },
    });

    expect(planned.items).toMatchObject([
      { stackId: "a", outcome: "applied", plan: { replayed: 2, differences: [{ event: "TASK_COMPLETED" }] } },
    ]);
    expect(same.items).toEqual([{ stackId: "a", outcome: "unchanged" }]);
    expect((await findStack("a")).machineHash).toBe(machineHash);
    const to = await newestHash();
    const refused = [
      { dryRun: true, source: "version: 2" },
      { source: NEWER },
      { dryRun: true, to, source: NEWER },
    ].map(async (body) => {
      const answer = await yard.call("/v1/machines/review-app/upgrade", { body });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    });
    expect(await Promise.all(refused)).toEqual([
      [422, "MACHINE_INVALID"],
      [400, "USAGE"],
      [400, "USAGE"],
    ]);
  });

  it("reads a revision once, however many stacks it is planned for", async () => {
    await createStacks("a", "b", "c");
    yard.write(NEWER);
    await yard.json("/v1/stacks/c/upgrade", { body: {} });
    const read = vi.spyOn(yard.store.revisions, "get");

    const to = await newestHash();
    const planned = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: { dryRun: true, to } });

    expect(planned.items.map(({ outcome }) => outcome)).toEqual(["applied", "applied", "unchanged"]);
    expect(read.mock.calls.filter(([hash]) => hash === to)).toHaveLength(1);
  });

  it("reads one outcome at a time, and reads once when the time is over", async () => {
    await createStacksOf(createTestYard({ source: SOURCE, limits: { outcomeMs: 1 } }), ["a", "b", "c"]);
    await yard.halt();
    yard.write(NEWER);
    const asked = watchQuestions(yard.store);

    const { items } = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: {} });

    expect(items.map(({ outcome }) => outcome)).toEqual(["waiting", "waiting", "waiting"]);
    expect(asked.most).toBe(1);
    expect([...asked.events.values()].slice(1)).toEqual([1, 1]);
  });

  it("says why a stack stays", async () => {
    await createStacks("a");
    yard.write(SOURCE.replaceAll("IDLE", "READY"));

    const { items } = await yard.json<Upgraded>("/v1/machines/review-app/upgrade", { body: {} });

    expect(items).toMatchObject([{ stackId: "a", outcome: "refused", code: "UPGRADE_STATE_MISSING" }]);
  });

  it("needs a machine that is there", async () => {
    await createStacks("a");

    expect((await yard.call("/v1/machines/none/upgrade", { body: {} })).status).toBe(404);
  });
});
