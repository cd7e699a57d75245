import type { Store } from "@stackyard/core";
import type { Change } from "@stackyard/core/engine";
import {
  aChange,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aStoredStack,
  createRandom,
} from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DynamodbStore } from "./create-store.ts";
import { commitNow, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** As many processes over the same tables. */
async function openAll(count: number): Promise<readonly DynamodbStore[]> {
  const table = tables.newTable();
  const first = await tables.open({ table });
  const others = await Promise.all(Array.from({ length: count - 1 }, () => tables.open({ table })));
  return [first, ...others];
}

/** The completion of one of six tasks, as an engine decides it: who completes the last one enters the next state. */
async function complete(store: Store, stackId: string, task: string): Promise<void> {
  for (;;) {
    const [loaded] = await store.load([stackId]);
    const stack = loaded?.stack ?? aStoredStack();
    const tasks = stack.tasks.map((each) => (each.name === task ? { ...each, status: "SATISFIED" as const } : each));
    const isLast = tasks.every(({ status }) => status === "SATISFIED");
    const next = isLast ? { ...stack, state: "DONE", previousState: stack.state, tasks: [] } : { ...stack, tasks };
    const to = isLast ? { to: "DONE" } : {};
    const change = aChange({
      stackId,
      expectedVersion: loaded?.version ?? 0,
      write: { kind: "put", stack: next },
      appliedIds: [`${stackId}-${task}`],
      history: [aHistoryEntry(`${stackId}-${task}`, { stackId, ...to })],
      dispatches: isLast ? [aDispatch(`${stackId}-next`, { stackId })] : [],
    });
    const [result] = await store.commit([change]);
    if (result?.kind !== "conflict") return;
  }
}

const ROUNDS = process.env["LONG_TESTS"] ? 50 : 15;

it(`enters the next state once when six tasks complete at the same time, ${ROUNDS} times`, async () => {
  const stores = await openAll(6);
  const [store] = stores;
  if (store === undefined) return;
  const names = stores.map((_, index) => `t${index}`);

  for (let round = 0; round < ROUNDS; round += 1) {
    const id = `s${round}`;
    await commitNow(store, aPut({ id, tasks: names.map((name) => ({ name, status: "PENDING" })) }));
    await Promise.all(stores.map((each, index) => complete(each, id, names[index] ?? "")));

    const [loaded] = await store.load([id]);
    const { items } = await store.queries.listHistory({ stackId: id }, { limit: 50 });
    expect([loaded?.stack?.state, items.length]).toEqual(["DONE", 6]);
    expect(items.map(({ to }) => to).filter((to) => to !== undefined)).toEqual(["DONE"]);
    expect((await store.queries.listAttempts(id)).map(({ attemptId }) => attemptId)).toEqual([`${id}-next`]);
  }
}, 300_000);

it("grants a key to one of many processes at a time, and eventually to each of them", async () => {
  const stores = await openAll(4);
  const [first] = stores;
  const ids = Array.from({ length: 12 }, (_, index) => `a${String(index).padStart(2, "0")}`);
  if (first !== undefined) await commitNow(first, aPut({}, { dispatches: ids.map((id) => aDispatch(id)) }));
  let holders = 0;
  let most = 0;
  const settled: string[] = [];

  async function work(store: Store, attemptId: string): Promise<void> {
    const exclusiveKeys = ["key:db", "terraform:state"];
    const claim = await store.claim({ attemptId, owner: "w", leaseMs: MINUTE, exclusiveKeys, now: T0 });
    if (claim.kind !== "granted") return;
    holders += 1;
    most = Math.max(most, holders);
    await store.renew(claim.grant, { leaseMs: MINUTE, now: T0 });
    holders -= 1;
    settled.push(attemptId);
    const event = aQueuedEvent(`r-${attemptId}`, { origin: "worker" });
    await store.settle(claim.grant, { outcome: "succeeded", event, now: T0 });
  }

  await Promise.all(
    stores.map(async (store) => {
      for (let idle = 0; settled.length < ids.length && idle < 200; idle += 1) {
        const items = await store.takeDue({ kinds: ["task"], now: T0, limit: 3, leaseMs: MINUTE });
        await Promise.all(items.map((item) => work(store, "attemptId" in item ? item.attemptId : "")));
      }
    }),
  );

  expect(settled.toSorted()).toEqual(ids);
  expect(most).toBe(1);
});

function drawWrite(chance: number, isThere: boolean): Change["write"] {
  if (chance < 0.4) return aPut().write;
  return chance < 0.7 && isThere ? { kind: "remove" } : { kind: "keep" };
}

it.each([1, 2, 3])(
  "loses nothing while a stack begins, ends and begins again in many processes (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const stores = await openAll(4);
    const applied: string[] = [];
    let events = 0;

    async function step(store: Store): Promise<void> {
      const [loaded] = await store.load(["s1"]);
      events += 1;
      const id = `e${events}`;
      const write = drawWrite(random(), loaded?.stack !== undefined);
      const unpark = loaded?.parked.slice(0, 1).map(({ event }) => event.id) ?? [];
      const change = aChange({
        expectedVersion: loaded?.version ?? 0,
        write,
        appliedIds: [id],
        history: [aHistoryEntry(id)],
        park: random() < 0.3 ? [aParkedEvent(`p${events}`)] : [],
        unpark,
      });
      const [result] = await store.commit([change]);
      if (result?.kind === "committed") applied.push(id);
    }

    await Promise.all(
      stores.map(async (store) => {
        for (let count = 0; count < 25; count += 1) await step(store);
      }),
    );

    const [store] = stores;
    if (store === undefined) return;
    await take(store, ["timer", "parked", "deadline"], T0 + 2 * MINUTE);
    const { items } = await store.queries.listHistory({ stackId: "s1" }, { limit: 500 });
    expect(items.map(({ eventId }) => eventId).toSorted()).toEqual(applied.toSorted());
    const [loaded] = await store.load(["s1"]);
    const again = await store.commit([aChange({ expectedVersion: loaded?.version ?? 0, appliedIds: applied })]);
    expect(again).toEqual([{ kind: "duplicate", eventIds: applied }]);
  },
  120_000,
);
