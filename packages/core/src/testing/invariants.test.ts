import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Store } from "../ports/store.ts";
import { createInvariants } from "./invariants.ts";
import { createLeaseInvariants } from "./lease-invariants.ts";
import {
  aChange,
  aClaim,
  aDispatch,
  aHistoryEntry,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  grantNow,
  T0,
} from "./store-conformance/store-builders.ts";

/** A store that does as it is told, and what is found wrong after that. */
async function findAfter(drive: (store: Store) => Promise<unknown>): Promise<readonly string[]> {
  const memory = createMemoryStore();
  const invariants = createInvariants();
  await drive(invariants.watch(memory));
  return invariants.findViolations(memory);
}

const up = { state: "UP" };
const line = aHistoryEntry("e1", { to: "UP" });

describe("the invariants", () => {
  it("find nothing in a yard in which nothing is wrong", async () => {
    const found = await findAfter(async (store) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut(up, { dispatches: [aDispatch("a1")], history: [line], appliedIds: ["e1"] }));
      const grant = await grantNow(store, "a1");
      await store.settle(grant, aSettle("a1"));
      await commitNow(
        store,
        aPut(up, { history: [aHistoryEntry("e2", { from: "UP", to: "UP" })], appliedIds: ["e2"] }),
      );
    });

    expect(found).toEqual([]);
  });

  it.each([
    [
      "an event that was applied twice",
      [line, aHistoryEntry("e1", { from: "UP", to: "UP" })],
      ["s1: e1 was applied twice."],
    ],
    [
      "an event that was applied to a state that was gone",
      [line, aHistoryEntry("e2", { from: "INIT", to: "UP" })],
      ["s1: e2 was applied to INIT, and the stack was in UP."],
    ],
    [
      "events that changed places",
      [aHistoryEntry("e2", { to: "UP" }), aHistoryEntry("e1", { from: "UP", to: "UP" })],
      ["s1: e1 was worked after an event that came later."],
    ],
    [
      "a stack that is not where its history ends",
      [aHistoryEntry("e1", { to: "DOWN" })],
      ["s1: the history ends in DOWN, the stack is in UP."],
    ],
  ])("find %s", async (_what, history, sentences) => {
    const found = await findAfter(async (store) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut(up, { history }));
      await store.acknowledge(["event:1", "event:2"]);
    });

    expect(found).toEqual(sentences);
  });

  it("let a parked event overtake, once it was met in its order", async () => {
    const found = await findAfter(async (store) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut(up, { history: [aHistoryEntry("e1", { outcome: "parked" })] }));
      const later = [aHistoryEntry("e2", { to: "UP" }), aHistoryEntry("e1", { from: "UP", to: "UP" })];
      await commitNow(store, aPut(up, { history: later }));
    });

    expect(found).toEqual([]);
  });

  it("begin afresh with a stack that was removed", async () => {
    const found = await findAfter(async (store) => {
      await commitNow(store, aPut(up, { history: [line] }));
      const removed = aHistoryEntry("e2", { outcome: "removed", from: "UP", to: "UP" });
      await commitNow(store, aChange({ write: { kind: "remove" }, history: [removed] }));
      await commitNow(store, aPut(up, { history: [aHistoryEntry("e3", { to: "UP" })] }));
    });

    expect(found).toEqual([]);
  });

  it("find what waits for nothing", async () => {
    const run = { attemptId: "a1", entry: 1, task: "plan", attempt: 1, dispatchedAt: T0 };
    const found = await findAfter(async (store) => {
      const stack = {
        ...up,
        tasks: [
          { name: "plan", status: "PENDING" },
          { name: "app", status: "PENDING" },
        ],
      } as const;
      await commitNow(
        store,
        aPut({ ...stack, runs: [run] }, { history: [line], dispatches: [aDispatch("a1"), aDispatch("a2")] }),
      );
      await commitNow(store, aPut({ ...stack, runs: [run] }, { closes: ["a1"] }));
      const tasks = await store.takeDue({ kinds: ["task"], now: T0, limit: 9, leaseMs: 1 });
      await store.acknowledge(tasks.flatMap((item) => ("receipt" in item ? [item.receipt] : [])));
    });

    expect(found).toEqual([
      "No message of a2 is left.",
      "s1: the stack was never told that a1 has ended.",
      's1: the task "app" waits for nothing.',
    ]);
  });
});

describe("the invariants of leases", () => {
  function tellAfter(drive: (leases: ReturnType<typeof createLeaseInvariants>) => void): readonly string[] {
    const told: string[] = [];
    drive(createLeaseInvariants((sentence) => told.push(sentence)));
    return told;
  }

  const grant = { attemptId: "a1", owner: "w1", token: 1 };

  it("allow one lease after the other", () => {
    const told = tellAfter((leases) => {
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 0, exclusiveKeys: ["k"] }), 1);
      leases.noteRenewal(grant, 20);
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 20, exclusiveKeys: ["k"] }), 2);
      leases.noteSuspension({ ...grant, token: 2 });
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 21, exclusiveKeys: ["k"] }), 3);
      leases.noteSettlement({ ...grant, token: 3 });
      leases.noteGrant(aClaim("a2", { leaseMs: 10, now: 21, exclusiveKeys: ["k"] }), 1);
    });

    expect(told).toEqual([]);
  });

  it("tell of two leases, two owners of a key, and old tokens", () => {
    const told = tellAfter((leases) => {
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 0, exclusiveKeys: ["k"] }), 1);
      leases.noteGrant(aClaim("a2", { leaseMs: 10, now: 0, exclusiveKeys: ["k"] }), 1);
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 9 }), 1);
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 30 }), 2);
      leases.noteRenewal(grant, 40);
      leases.noteSuspension(grant);
      leases.noteSettlement(grant);
    });

    expect(told).toEqual([
      'a2 was granted the key "k" that a1 holds.',
      "a1 was granted while a lease on it was live.",
      "a1 was granted with token 1 again.",
      "a1 was renewed with token 1; the newest is 2.",
      "a1 was suspended with token 1; the newest is 2.",
      "a1 was settled with token 1; the newest is 2.",
    ]);
  });

  it("free the keys of an attempt that was closed", () => {
    const told = tellAfter((leases) => {
      leases.noteGrant(aClaim("a1", { leaseMs: 10, now: 0, exclusiveKeys: ["k"] }), 1);
      leases.noteEnd("a1");
      leases.noteGrant(aClaim("a2", { leaseMs: 10, now: 0, exclusiveKeys: ["k"] }), 1);
    });

    expect(told).toEqual([]);
  });
});
