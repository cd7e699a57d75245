import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { loadParked } from "./load-parked.ts";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aStoredStack,
  commitNow,
  expectKind,
  loadOne,
  storeCase,
  take,
  takeAttemptIds,
  takeEventIds,
  takeReceipts,
} from "./store-builders.ts";

/** Loading and committing of stacks: `load`, `commit`. */
export const commitCases: readonly ConformanceCase<Store>[] = [
  storeCase("loads a stack that is not there as version 0 without a record", async (store) => {
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version: 0, parked: [] }]);
  }),

  storeCase("gives a written stack back as it was, with its version", async (store) => {
    const stack = aStoredStack({
      metadata: { a: 0, b: false, c: "", d: null, "né ✓": "x" },
      runs: [],
      incarnation: "e1",
    });

    const [result] = await store.commit([aPut(stack)]);

    const { version } = expectKind(result, "committed");
    assert.ok(version > 0);
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version, stack, parked: [] }]);
  }),

  storeCase("remembers an event that has changed nothing, under the version that was decided on", async (store) => {
    const [put] = await store.commit([aPut(aStoredStack(), { appliedIds: ["e1"] })]);
    const { version } = expectKind(put, "committed");
    const input = { expectedVersion: version, appliedIds: ["e2"], history: [aHistoryEntry("e2")] };

    const [kept] = await store.commit([aChange(input)]);
    const [again] = await store.commit([aChange(input)]);
    const [stale] = await store.commit([aChange({ ...input, expectedVersion: version + 1, appliedIds: ["e3"] })]);

    assert.deepEqual(
      [kept, again, stale],
      [{ kind: "committed", version }, { kind: "duplicate", eventIds: ["e2"] }, { kind: "conflict" }],
    );
    assert.equal((await loadOne(store)).version, version);
  }),

  storeCase("gives back what leads a stack and since when it ends, and the order of what is parked", async (store) => {
    const stack = aStoredStack({ lead: { key: "e1", mark: "m1", order: 3 }, endsFrom: 2 });
    const parked = [aParkedEvent("p1", { order: 4, mark: "m2" }), aParkedEvent("p2", { order: 5, mark: "m3" })];

    await store.commit([{ ...aPut(stack), park: parked }]);

    const loaded = await loadOne(store, "s1");
    assert.deepEqual([loaded.stack, await loadParked(store)], [stack, parked]);
  }),

  storeCase(
    "ends an incarnation in one commit: the stack, what was parked for it, and its dead letters",
    async (store) => {
      const parked = Array.from({ length: 60 }, (_, each) => aParkedEvent(`p${each}`, { order: each + 1 }));
      await store.commit([{ ...aPut(aStoredStack()), park: parked }]);
      const { version } = await loadOne(store, "s1");
      const ended = parked
        .slice(0, -1)
        .map(({ event }) => aDeadLetter(`d-${event.id}`, { event, code: "STACK_ENDED" }));

      const [result] = await store.commit([
        aChange({
          expectedVersion: version,
          write: { kind: "remove" },
          unpark: ended.map(({ event }) => event.id),
          deadLetters: ended,
        }),
      ]);

      expectKind(result, "committed");
      const after = await loadOne(store, "s1");
      assert.deepEqual([after.stack, after.parked.map(({ event }) => event.id)], [undefined, ["p59"]]);
      const { items } = await store.queries.listDeadLetters({ stackId: "s1" }, { limit: 100 });
      assert.equal(items.length, 59);
      assert.deepEqual(new Set(items.map(({ code }) => code)), new Set(["STACK_ENDED"]));
    },
  ),

  storeCase("gives the last failure of a stack back as it was, alone and in a list", async (store) => {
    const lastFailure = {
      task: "db",
      state: "BUILD",
      entry: 3,
      attempt: 2,
      at: 1_000,
      resolvedAt: 2_000,
      code: "QUOTA",
      message: "terraform apply ended with exit code 1.\n\nerror: no quota, né ✓",
    };
    await commitNow(store, aPut({ lastFailure }));

    const { items } = await store.queries.listStacks({}, { limit: 10 });

    assert.deepEqual((await loadOne(store)).stack?.lastFailure, lastFailure);
    assert.deepEqual(
      items.map(({ stack }) => stack.lastFailure),
      [lastFailure],
    );
  }),

  storeCase("gives the deeds of a stack back as they were, alone and in a list", async (store) => {
    const lacks = { db: { why: "failed", code: "QUOTA", entry: 3, attempt: 2 } } as const;
    const by = { kind: "person", id: "u1", name: "né ✓" } as const;
    const deeds = {
      e1: { event: "RELEASED", at: 1_000, restedAt: 2_000, keys: { api: "a1b2" }, lacks },
      "internal:s1/3/t": { event: "CHECK", at: 3_000, keys: {}, onlyValues: true, settled: [{ task: "db", by }] },
    } as const;
    await commitNow(store, aPut({ deed: "internal:s1/3/t", deeds }));

    const { items } = await store.queries.listStacks({}, { limit: 10 });

    const loaded = (await loadOne(store)).stack;
    assert.deepEqual([loaded?.deed, loaded?.deeds], ["internal:s1/3/t", deeds]);
    assert.deepEqual(
      items.map(({ stack }) => [stack.deed, stack.deeds]),
      [["internal:s1/3/t", deeds]],
    );
  }),

  storeCase("keeps what an entry began with, what waits in it, and why its stack does not move", async (store) => {
    const begun = { deploy: { needs: ["build"] }, "sign-off": { needs: [], isApproval: true } } as const;
    const heldBack = { code: "UPGRADE_TASK_UNKNOWN", reason: "…", revision: "a".repeat(64) };
    const lead = { key: "e1", mark: "m", order: 1, entry: 4 };

    await commitNow(store, aPut({ begun, pending: ["NEXT", "TIMEOUT"], heldBack, lead }));

    const kept = (await loadOne(store)).stack;
    assert.deepEqual([kept?.begun, kept?.pending], [begun, ["NEXT", "TIMEOUT"]]);
    assert.deepEqual([kept?.heldBack, kept?.lead], [heldBack, lead]);
    const behind = await store.queries.listStacks({ behind: true }, { limit: 10 });
    assert.equal(behind.items.length, 1);
  }),

  storeCase("keeps metadata keys that are names of built-ins", async (store) => {
    const metadata = { constructor: "a", toString: 1, hasOwnProperty: "b" };

    await commitNow(store, aPut({ metadata }));

    const kept = (await loadOne(store)).stack?.metadata;
    assert.deepEqual(Object.entries(kept ?? {}), Object.entries(metadata));
  }),

  storeCase("loads in the order of the ids", async (store) => {
    await store.commit([aPut({ id: "a" }), aPut({ id: "b" })]);

    const loaded = await store.load(["b", "none", "a"]);

    assert.deepEqual(
      loaded.map(({ stackId, version }) => [stackId, version > 0]),
      [
        ["b", true],
        ["none", false],
        ["a", true],
      ],
    );
  }),

  storeCase("gives each write a higher version and answers in the order of the changes", async (store) => {
    const first = await commitNow(store, aPut({ id: "a" }));

    const [b, a] = await store.commit([
      aPut({ id: "b" }),
      aPut({ id: "a", state: "NEXT" }, { expectedVersion: first }),
    ]);

    expectKind(b, "committed");
    assert.ok(expectKind(a, "committed").version > first);
    assert.equal((await loadOne(store, "a")).stack?.state, "NEXT");
  }),

  storeCase("gives a kept stack no new version", async (store) => {
    const version = await commitNow(store, aPut());

    const result = await store.commit([aChange({ expectedVersion: version, park: [aParkedEvent("e1")] })]);

    assert.deepEqual(result, [{ kind: "committed", version }]);
    assert.equal((await loadOne(store)).version, version);
  }),

  storeCase("answers conflict when the stack left the expected version, whatever the write", async (store) => {
    const old = await commitNow(store, aPut({ state: "A" }));
    const now = await commitNow(store, aPut({ state: "B" }));

    for (const change of [aPut(), aChange(), aChange({ write: { kind: "remove" } })]) {
      assert.deepEqual(await store.commit([{ ...change, expectedVersion: old }]), [{ kind: "conflict" }]);
      assert.deepEqual(await store.commit([{ ...change, expectedVersion: 0 }]), [{ kind: "conflict" }]);
    }

    const loaded = await loadOne(store);
    assert.deepEqual([loaded.version, loaded.stack?.state], [now, "B"]);
  }),

  storeCase("answers conflict when a stack was expected and none is there", async (store) => {
    assert.deepEqual(await store.commit([aPut({}, { expectedVersion: 1 })]), [{ kind: "conflict" }]);
    assert.equal((await loadOne(store)).version, 0);
  }),

  storeCase("undoes nothing but the one change that conflicts", async (store) => {
    const all = await store.commit([
      aPut({ id: "a" }, { appliedIds: ["e1"] }),
      aPut({ id: "b" }, { expectedVersion: 7, appliedIds: ["e2"] }),
      aPut({ id: "c" }, { appliedIds: ["e3"] }),
    ]);

    assert.deepEqual(
      all.map(({ kind }) => kind),
      ["committed", "conflict", "committed"],
    );
    const versions = (await store.load(["a", "b", "c"])).map(({ version }) => version > 0);
    assert.deepEqual(versions, [true, false, true]);
  }),

  storeCase("lets one of several writers of a stack win", async (store) => {
    const expectedVersion = await commitNow(store, aPut());
    const commits = ["A", "B", "C", "D"].map((state) => store.commit([aPut({ state }, { expectedVersion })]));

    const kinds = (await Promise.all(commits)).flat().map(({ kind }) => kind);

    assert.deepEqual(kinds.sort(), ["committed", "conflict", "conflict", "conflict"]);
  }),

  storeCase("leaves nothing of a conflicting change behind", async (store) => {
    await store.enqueue([aQueuedEvent("e0")]);
    const receipts = await takeReceipts(store, ["event"]);

    const [result] = await store.commit([
      aPut(
        { timers: [{ id: "1/after/0", event: "TICK", dueAt: 1 }] },
        {
          expectedVersion: 5,
          appliedIds: ["e1"],
          park: [aParkedEvent("e2")],
          deadLetters: [aDeadLetter("x1")],
          history: [aHistoryEntry("e1")],
          dispatches: [aDispatch("a1")],
          receipts,
        },
      ),
    ]);

    assert.deepEqual(result, { kind: "conflict" });
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version: 0, parked: [] }]);
    assert.deepEqual((await store.queries.listHistory({}, { limit: 10 })).items, []);
    assert.deepEqual((await store.queries.listDeadLetters({}, { limit: 10 })).items, []);
    assert.equal(await store.findAttempt("a1"), undefined);
    assert.deepEqual(await take(store, ["task", "timer"]), []);
    assert.equal((await store.queries.stats()).queuedEvents, 1);
  }),

  storeCase("answers duplicate with the ids that were applied before, and writes nothing", async (store) => {
    await commitNow(store, aPut({ state: "A" }, { appliedIds: ["e1", "e2"] }));
    const { version } = await loadOne(store);

    const result = await store.commit([
      aPut({ state: "B" }, { expectedVersion: version, appliedIds: ["e3", "e2"], history: [aHistoryEntry("e3")] }),
    ]);

    assert.deepEqual(result, [{ kind: "duplicate", eventIds: ["e2"] }]);
    assert.equal((await loadOne(store)).stack?.state, "A");
    assert.deepEqual((await store.queries.listHistory({}, { limit: 10 })).items, []);
    await commitNow(store, aPut({ state: "B" }, { appliedIds: ["e3"] }));
  }),

  storeCase(
    "answers duplicate when an event that was applied before would be parked or dead-lettered",
    async (store) => {
      const version = await commitNow(store, aPut({}, { appliedIds: ["e1"] }));

      const parked = await store.commit([aChange({ expectedVersion: version, park: [aParkedEvent("e1")] })]);
      const deadLetters = await store.commit([
        aChange({ expectedVersion: version, deadLetters: [aDeadLetter("x1", { event: aQueuedEvent("e1") })] }),
      ]);

      assert.deepEqual(parked, [{ kind: "duplicate", eventIds: ["e1"] }]);
      assert.deepEqual(deadLetters, [{ kind: "duplicate", eventIds: ["e1"] }]);
    },
  ),

  storeCase("knows event ids by stack: the same id of two stacks is two events", async (store) => {
    await commitNow(store, aPut({ id: "a" }, { appliedIds: ["e1"] }));

    await commitNow(store, aPut({ id: "b" }, { appliedIds: ["e1"] }));
  }),

  storeCase("removes a stack, and knows its event ids afterwards", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1"] }));
    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e2"] }));

    const loaded = await loadOne(store);

    assert.deepEqual(loaded, { stackId: "s1", version: 0, parked: [] });
    for (const id of ["e1", "e2"]) {
      assert.deepEqual(await store.commit([aPut({}, { appliedIds: [id] })]), [{ kind: "duplicate", eventIds: [id] }]);
    }
  }),

  storeCase("gives a stack that is created again a version that no earlier incarnation had", async (store) => {
    const first = await commitNow(store, aPut({ incarnation: "e1" }));
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    const second = await commitNow(store, aPut({ incarnation: "e2" }));

    assert.ok(second > first);
    assert.deepEqual(await store.commit([aPut({}, { expectedVersion: first })]), [{ kind: "conflict" }]);
  }),

  storeCase("sends dispatches and consumes queue rows with the change", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    const receipts = await takeReceipts(store, ["event"]);

    await commitNow(
      store,
      aPut({}, { appliedIds: ["e1"], receipts, dispatches: [aDispatch("a1"), aDispatch("a2", { task: "b" })] }),
    );

    assert.deepEqual(await takeAttemptIds(store, "task"), ["a1", "a2"]);
    assert.equal((await store.queries.stats()).queuedEvents, 0);
    await store.enqueue([aQueuedEvent("e1")]);
    assert.deepEqual(await takeEventIds(store), []);
  }),

  storeCase("keeps its own copy of what it is given and gives", async (store) => {
    const metadata: Record<string, string> = { a: "1" };
    await commitNow(store, aPut({ metadata }));

    metadata["a"] = "2";
    const given = (await loadOne(store)).stack;
    // A frozen value is as good as a copy.
    if (given !== undefined) Reflect.set(given.metadata, "a", "3");

    assert.deepEqual((await loadOne(store)).stack?.metadata, { a: "1" });
  }),
];
