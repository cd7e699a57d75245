import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSetAsideEvent,
  aStoredStack,
  commitNow,
  take,
  takeAttemptIds,
  takeEventIds,
  toReceipts,
} from "./store-builders.ts";
import { expectKind, expectThere, storeCase } from "./store-case.ts";

async function loadOne(store: Store, stackId: string) {
  const [loaded] = await store.load([stackId]);
  return expectThere(loaded);
}

/** Loading and committing of stacks: `load`, `commit`. */
export const commitCases: readonly ConformanceCase<Store>[] = [
  storeCase("loads a stack that is not there as version 0 without a record", async (store) => {
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version: 0, parked: [] }]);
  }),

  storeCase("gives a written stack back as it was, with its version", async (store) => {
    const stack = aStoredStack({ metadata: { a: 0, b: false, c: "", d: null, "né ✓": "x" }, runs: [], life: "e1" });

    const [result] = await store.commit([aPut(stack)]);

    const { version } = expectKind(result, "committed");
    assert.ok(version > 0);
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version, stack, parked: [] }]);
  }),

  storeCase("gives the last failure of a stack back as it was, alone and in a list", async (store) => {
    const lastFailure = {
      ...{ task: "db", state: "BUILD", entry: 3, attempt: 2, at: 1_000, resolvedAt: 2_000 },
      code: "QUOTA",
      message: "terraform apply ended with exit code 1.\n\nerror: no quota, né ✓",
    };
    await commitNow(store, aPut({ lastFailure }));

    const { items } = await store.queries.listStacks({}, { limit: 10 });

    assert.deepEqual((await loadOne(store, "s1")).stack?.lastFailure, lastFailure);
    assert.deepEqual(
      items.map(({ stack }) => stack.lastFailure),
      [lastFailure],
    );
  }),

  storeCase("keeps metadata keys that are names of built-ins", async (store) => {
    const metadata = { constructor: "a", toString: 1, hasOwnProperty: "b" };

    await commitNow(store, aPut({ metadata }));

    const kept = (await loadOne(store, "s1")).stack?.metadata;
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
    assert.equal((await loadOne(store, "s1")).version, version);
  }),

  storeCase("answers conflict when the stack left the expected version, whatever the write", async (store) => {
    const old = await commitNow(store, aPut({ state: "A" }));
    const now = await commitNow(store, aPut({ state: "B" }));

    for (const change of [aPut(), aChange(), aChange({ write: { kind: "remove" } })]) {
      assert.deepEqual(await store.commit([{ ...change, expectedVersion: old }]), [{ kind: "conflict" }]);
      assert.deepEqual(await store.commit([{ ...change, expectedVersion: 0 }]), [{ kind: "conflict" }]);
    }

    const loaded = await loadOne(store, "s1");
    assert.deepEqual([loaded.version, loaded.stack?.state], [now, "B"]);
  }),

  storeCase("answers conflict when a stack was expected and none is there", async (store) => {
    assert.deepEqual(await store.commit([aPut({}, { expectedVersion: 1 })]), [{ kind: "conflict" }]);
    assert.equal((await loadOne(store, "s1")).version, 0);
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
    const receipts = (await take(store, ["event"])).flatMap(toReceipts);

    const [result] = await store.commit([
      aPut(
        { timers: [{ id: "1/after/0", event: "TICK", dueAt: 1 }] },
        {
          expectedVersion: 5,
          appliedIds: ["e1"],
          park: [aParkedEvent("e2")],
          setAside: [aSetAsideEvent("x1")],
          history: [aHistoryEntry("e1")],
          dispatches: [aDispatch("a1")],
          acknowledges: receipts,
        },
      ),
    ]);

    assert.deepEqual(result, { kind: "conflict" });
    assert.deepEqual(await store.load(["s1"]), [{ stackId: "s1", version: 0, parked: [] }]);
    assert.deepEqual((await store.queries.listHistory({}, { limit: 10 })).items, []);
    assert.deepEqual((await store.queries.listSetAside({}, { limit: 10 })).items, []);
    assert.equal(await store.findAttempt("a1"), undefined);
    assert.deepEqual(await take(store, ["task", "timer"]), []);
    assert.equal((await store.queries.stats()).queuedEvents, 1);
  }),

  storeCase("answers duplicate with the ids that were applied before, and writes nothing", async (store) => {
    await commitNow(store, aPut({ state: "A" }, { appliedIds: ["e1", "e2"] }));
    const { version } = await loadOne(store, "s1");

    const result = await store.commit([
      aPut({ state: "B" }, { expectedVersion: version, appliedIds: ["e3", "e2"], history: [aHistoryEntry("e3")] }),
    ]);

    assert.deepEqual(result, [{ kind: "duplicate", eventIds: ["e2"] }]);
    assert.equal((await loadOne(store, "s1")).stack?.state, "A");
    assert.deepEqual((await store.queries.listHistory({}, { limit: 10 })).items, []);
    await commitNow(store, aPut({ state: "B" }, { appliedIds: ["e3"] }));
  }),

  storeCase("answers duplicate when an event that was applied before would be parked or set aside", async (store) => {
    const version = await commitNow(store, aPut({}, { appliedIds: ["e1"] }));

    const parked = await store.commit([aChange({ expectedVersion: version, park: [aParkedEvent("e1")] })]);
    const setAside = await store.commit([
      aChange({ expectedVersion: version, setAside: [aSetAsideEvent("x1", { event: aQueuedEvent("e1") })] }),
    ]);

    assert.deepEqual(parked, [{ kind: "duplicate", eventIds: ["e1"] }]);
    assert.deepEqual(setAside, [{ kind: "duplicate", eventIds: ["e1"] }]);
  }),

  storeCase("knows event ids by stack: the same id of two stacks is two events", async (store) => {
    await commitNow(store, aPut({ id: "a" }, { appliedIds: ["e1"] }));

    await commitNow(store, aPut({ id: "b" }, { appliedIds: ["e1"] }));
  }),

  storeCase("removes a stack, and knows its event ids afterwards", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1"] }));
    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e2"] }));

    const loaded = await loadOne(store, "s1");

    assert.deepEqual(loaded, { stackId: "s1", version: 0, parked: [] });
    for (const id of ["e1", "e2"]) {
      assert.deepEqual(await store.commit([aPut({}, { appliedIds: [id] })]), [{ kind: "duplicate", eventIds: [id] }]);
    }
  }),

  storeCase("gives a stack that is created again a version that no earlier life had", async (store) => {
    const first = await commitNow(store, aPut({ life: "e1" }));
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    const second = await commitNow(store, aPut({ life: "e2" }));

    assert.ok(second > first);
    assert.deepEqual(await store.commit([aPut({}, { expectedVersion: first })]), [{ kind: "conflict" }]);
  }),

  storeCase("sends dispatches and consumes queue rows with the change", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    const acknowledges = (await take(store, ["event"])).flatMap(toReceipts);

    await commitNow(
      store,
      aPut({}, { appliedIds: ["e1"], acknowledges, dispatches: [aDispatch("a1"), aDispatch("a2", { task: "b" })] }),
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
    const given = (await loadOne(store, "s1")).stack;
    // A frozen value is as good as a copy.
    if (given !== undefined) Reflect.set(given.metadata, "a", "3");

    assert.deepEqual((await loadOne(store, "s1")).stack?.metadata, { a: "1" });
  }),
];
