import type { Stack } from "@stackyard/core";
import type { Grant } from "@stackyard/core/engine";
import { attemptIdOf } from "@stackyard/core/machine";
import { aChange, aDispatch, aHistoryEntry, aPut, aQueuedEvent, aStoredStack } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countUnits } from "./testing/count-units.ts";
import { commitNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

async function openCounted() {
  const { client, count } = countUnits(tables.client);
  return { store: await tables.open({ client }), count };
}

/** A stack, a task and an attempt as those of a review app are: a handful of metadata, ids that people can read. */
const id = "review-app-pr-1234";
const machineHash = "3f8a61c0d29b47e5a1c44d0be8f1d2735566aa90c3b1e2f7d4860912fe34ab5c";
const incarnation = "4f0f5ad2-9c1b-4a43-8d7c-6a1f0e2b9d31";
const states = ["BUILD", "DEPLOY", "VERIFY"];

function toAttemptId(entry: number): string {
  return attemptIdOf({ stackId: id, incarnation, entry, task: "apply", attempt: 1 });
}

function aReviewApp(entry: number): Stack {
  const state = states[entry % states.length] ?? "";
  const previousState = states[(entry + 2) % states.length] ?? "";
  const metadata = {
    branch: "feature/login-form",
    commit: "9c1b4a438d7c6a1f0e2b",
    owner: "ada",
    replicas: 2,
    preview: true,
  };
  const at = T0 + entry * 1_000;
  return aStoredStack({
    id,
    machine: "review-app",
    machineHash,
    state,
    previousState,
    incarnation,
    entry,
    metadata,
    tasks: [{ name: "apply", status: "PENDING" }],
    attempts: { apply: 1 },
    runs: [
      {
        attemptId: toAttemptId(entry),
        entry,
        task: "apply",
        attempt: 1,
        executor: "terraform",
        dispatchedAt: at,
        cancelWithinMs: 5 * MINUTE,
      },
    ],
    createdAt: T0,
    updatedAt: at,
    enteredAt: at,
  });
}

/** What one result leads to: the end of its attempt, the next state, its line, the next attempt. */
function aTransition(entry: number) {
  const stack = aReviewApp(entry);
  const { state: _state, previousState, machine, tasks, metadata } = stack;
  const attemptId = toAttemptId(entry);
  const dispatch = aDispatch(attemptId, {
    stackId: id,
    incarnation,
    entry,
    task: "apply",
    message: {
      task: { name: "apply", executor: "terraform", config: { module: "review-app", timeout: 600 } },
      stack: { id, previousState, machine, _state, tasks, metadata },
      dispatch: { id: attemptId, attempt: 1, deadline: new Date(T0 + HOUR).toISOString() },
    },
  });
  const line = aHistoryEntry(`result:${toAttemptId(entry - 1)}`, {
    stackId: id,
    at: stack.updatedAt,
    event: "TASK_COMPLETED",
    internal: true,
    incarnation,
    task: "apply",
    from: previousState ?? "",
    to: _state,
    sent: ["apply"],
    machineHash,
  });
  return { stack, attemptId, dispatches: [dispatch], history: [line], now: stack.updatedAt };
}

describe("what is written", () => {
  it("by a transition whose result is applied directly is one item and its line, over and over", async () => {
    const { store, count } = await openCounted();
    const { stack, attemptId, ...rest } = aTransition(1);
    const claimOf = (of: string) => [{ attemptId: of, owner: "worker-1", leaseMs: MINUTE }];
    const [begun] = await store.commit([aPut(stack, { ...rest, claims: claimOf(attemptId) })]);
    let grant = begun?.kind === "committed" ? begun.grants?.[0] : undefined;
    const written: number[] = [];

    for (let entry = 2; entry <= 12; entry += 1) {
      const next = aTransition(entry);
      const counted = await count(async () => {
        const [loaded] = await store.load([id]);
        const results = grant === undefined ? [] : [{ grant, outcome: "succeeded" as const }];
        const { stack: put, attemptId: of, ...change } = next;
        const [result] = await store.commit([
          aPut(put, { ...change, expectedVersion: loaded?.version ?? 0, results, claims: claimOf(of) }),
        ]);
        grant = result?.kind === "committed" ? result.grants?.[0] : undefined;
      });
      written.push(counted.write);
      // The first commit after the stack's creation also reads the mark of that creation.
      if (entry > 2)
        expect(counted.calls).toEqual(["GetItem stacks", "PutItem stacks", "PutItem work", "UpdateItem work"]);
      expect(grant?.attemptId).toBe(next.attemptId);
    }

    // The item of the stack, the row of its line, and the place of that row in the log of the yard, which a batch of
    // commits shares.
    expect(written.slice(1)).toEqual(written.slice(1).map(() => 3));
  });

  it("by a batch of transitions of 20 stacks is at most 2.2 units each: they share a write of the log", async () => {
    const { store, count } = await openCounted();
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
    await Promise.all(ids.map((stackId) => commitNow(store, aPut({ id: stackId }))));
    const transition = (stackId: string, expectedVersion: number) => {
      const line = aHistoryEntry(`result:${stackId}/created/1/plan/1`, { stackId, internal: true });
      return aPut({ id: stackId, state: "B" }, { expectedVersion, history: [line] });
    };

    const commitAll = async () => {
      const loaded = await store.load(ids);
      await store.commit(loaded.map(({ stackId, version }) => transition(stackId, version)));
    };
    // From then on they have their entries in the index of due stacks.
    await commitAll();

    const { write } = await count(commitAll);

    expect(write / ids.length).toBeLessThanOrEqual(2.2);
  });

  it("by a commit that nothing follows from is one item", async () => {
    const { store, count } = await openCounted();
    await commitNow(store, aPut());

    const { calls, write } = await count(() => commitNow(store, aChange({ appliedIds: ["e1"] })));

    expect([calls, write]).toEqual([["GetItem stacks", "GetItem work", "PutItem stacks"], 1]);
    expect((await count(() => commitNow(store, aChange({ appliedIds: ["e2"] })))).calls).toEqual([
      "GetItem stacks",
      "PutItem stacks",
    ]);
  });

  it("by each move of an attempt is the item of its stack", async () => {
    const { store, count } = await openCounted();
    const { stack, attemptId, ...rest } = aTransition(1);
    await commitNow(store, aPut(stack, rest));
    await take(store, ["task"]);
    const move = ["GetItem stacks", "PutItem stacks"];
    const grant: Grant = { attemptId, owner: "w1", token: 1 };

    const claimed = await count(() => store.claim({ ...grant, leaseMs: MINUTE, exclusiveKeys: [], now: T0 }));
    const renewed = await count(() => store.renew(grant, { leaseMs: MINUTE, now: T0 }));
    const event = aQueuedEvent(`result:${attemptId}`, { stackId: id, origin: "worker" });
    const settled = await count(() => store.settle(grant, { outcome: "succeeded", event, now: T0 }));

    const withoutLines = ({ calls }: { readonly calls: readonly string[] }) =>
      calls.filter((call) => call !== "GetItem work");
    expect([claimed, renewed, settled].map(withoutLines)).toEqual([move, move, move]);
    expect([claimed, renewed, settled].map(({ write }) => write <= 2)).toEqual([true, true, true]);
  });
});
