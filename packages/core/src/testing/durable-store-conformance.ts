import assert from "node:assert/strict";
import type { Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  anAuditEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  dispatchNow,
  expectKind,
  grantNow,
  HOUR,
  MINUTE,
  T0,
  take,
  takeAttemptIds,
  takeEventIds,
  takeReceipts,
} from "./store-conformance/store-builders.ts";

/** A store whose process can die. */
export interface DurableStore {
  /** Opens the existing store; one at a time. */
  open(): Promise<Store>;
  /** Ends the open store as a kill of its process does: nothing is flushed, nothing is closed. */
  crash(): Promise<void>;
}

/** Works before a crash and looks after it. */
function durableCase<Facts>(
  name: string,
  before: (store: Store) => Promise<Facts>,
  after: (store: Store, facts: Facts) => Promise<void>,
): ConformanceCase<DurableStore> {
  return {
    name,
    async run(create) {
      const port = await create();
      const facts = await before(await port.open());
      await port.crash();
      const store = await port.open();
      try {
        await after(store, facts);
      } finally {
        await store.close();
      }
    },
  };
}

const later = T0 + HOUR;

/** The promises of a store that outlives its process: every call that has returned is still there after a crash. */
export const durableStoreConformance: readonly ConformanceCase<DurableStore>[] = [
  durableCase(
    "keeps stacks, parked and dead letters, event ids and history",
    async (store) => {
      const history = [aHistoryEntry("e1", { notes: ["né ✓"] })];
      await commitNow(store, aPut({ metadata: { a: null, b: 0 } }, { appliedIds: ["e1"], history }));
      await commitNow(store, aChange({ park: [aParkedEvent("e2")], deadLetters: [aDeadLetter("x1")] }));
      return listEverything(store);
    },
    async (store, facts) => {
      assert.deepEqual(await listEverything(store), facts);
      assert.equal(facts.loaded[0]?.parked.length, 1);
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      assert.deepEqual(await takeEventIds(store), []);
    },
  ),

  durableCase(
    "keeps the audit entries of what was committed",
    async (store) => {
      await commitNow(store, aPut({}, { history: [aHistoryEntry("e1")], audit: [anAuditEntry("01A")] }));
      await commitNow(store, aPut({}, { history: [aHistoryEntry("e2")], audit: [anAuditEntry("01B")] }));
    },
    async (store) => {
      const { items } = await store.records.list("audit/", { limit: 10, now: later });
      assert.deepEqual(
        items.map(({ key }) => key),
        ["audit/pending/01A", "audit/pending/01B"],
      );
    },
  ),

  durableCase(
    "keeps what is queued, in order, and nothing that was acknowledged",
    async (store) => {
      await store.enqueue(["e1", "e2", "e3"].map((id) => aQueuedEvent(id)));
      await store.release(await takeReceipts(store, ["event"], { limit: 1 }));
      await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    },
    async (store) => {
      assert.deepEqual(await takeEventIds(store), ["e2", "e3"]);
      assert.deepEqual(await takeAttemptIds(store, "task"), ["a1"]);
    },
  ),

  durableCase(
    "hands rows out again that were out, after their lease",
    async (store) => {
      await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
      await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
      await take(store, ["event", "task"], { leaseMs: MINUTE });
    },
    async (store) => {
      assert.deepEqual(await takeEventIds(store, { now: T0 + MINUTE }), ["e1", "e2"]);
      assert.deepEqual(await takeAttemptIds(store, "task", { now: T0 + MINUTE }), ["a1"]);
    },
  ),

  durableCase(
    "continues above all earlier versions and positions, also of removed stacks",
    async (store) => {
      const version = await commitNow(store, aPut({}, { history: [aHistoryEntry("e1")] }));
      await commitNow(store, aChange({ write: { kind: "remove" } }));
      const { items } = await store.queries.listHistory({}, { limit: 1 });
      return { version, position: items[0]?.position ?? 0 };
    },
    async (store, { version, position }) => {
      assert.ok((await commitNow(store, aPut({}, { history: [aHistoryEntry("e2")] }))) > version);
      const { items } = await store.queries.listHistory({ newestFirst: true }, { limit: 1 });
      assert.ok((items[0]?.position ?? 0) > position);
    },
  ),

  durableCase(
    "keeps leases: their owner continues, and the next token is higher",
    async (store) => {
      await dispatchNow(store, ["a1"]);
      return grantNow(store, "a1", { owner: "elsewhere" });
    },
    async (store, grant) => {
      assert.equal((await store.claim(aClaim("a1"))).kind, "held");
      assert.equal((await store.renew(grant, { leaseMs: MINUTE, now: T0 })).kind, "renewed");
      assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now: later }), ["a1"]);
      assert.ok((await grantNow(store, "a1", { now: later })).token > grant.token);
      assert.equal(await store.settle(grant, aSettle("a1")), "lost");
    },
  ),

  durableCase(
    "keeps progress, cancels and deadlines of attempts",
    async (store) => {
      await dispatchNow(store, ["a1"]);
      const grant = await grantNow(store, "a1");
      await store.suspend(grant, { progress: { step: 1 }, dueAt: T0 + MINUTE, now: T0 });
      await commitNow(store, aChange({ cancels: [aCancel("a1", { withinMs: MINUTE })] }));
    },
    async (store) => {
      const due = await take(store, ["deadline"], { now: T0 + MINUTE });
      const attempt = { stackId: "s1", attemptId: "a1", task: "plan" };
      assert.deepEqual(due, [{ kind: "deadline", ...attempt, why: "cancel", dueAt: T0 + MINUTE }]);
      assert.deepEqual(await takeAttemptIds(store, "poll"), ["a1"]);
      const claim = expectKind(await store.claim(aClaim("a1")), "granted");
      assert.deepEqual([claim.progress, claim.cancelling], [{ step: 1 }, "requested"]);
      assert.equal(claim.deadlineAt, T0 + HOUR);
    },
  ),

  durableCase(
    "keeps keys and their queues in order of dispatch",
    async (store) => {
      const keyed = { exclusiveKeys: ["key:db"] };
      await dispatchNow(store, ["a1", "a2", "a3"]);
      const grant = await grantNow(store, "a1", keyed);
      await store.claim(aClaim("a3", keyed));
      await store.claim(aClaim("a2", keyed));
      return grant;
    },
    async (store, grant) => {
      assert.deepEqual((await store.findAttempt("a3"))?.queuedFor, { key: "key:db", holder: "a1", place: 2 });
      await store.settle(grant, aSettle("a1"));
      assert.deepEqual(await takeAttemptIds(store, "task"), ["a2"]);
    },
  ),

  durableCase(
    "keeps the settled result with its event",
    async (store) => {
      await dispatchNow(store, ["a1"]);
      await store.settle(await grantNow(store, "a1"), aSettle("a1", { log: "done" }));
    },
    async (store) => {
      const view = await store.findAttempt("a1");
      assert.deepEqual([view?.status, view?.outcome, view?.log], ["settled", "succeeded", "done"]);
      assert.deepEqual(await takeEventIds(store), ["result:a1"]);
    },
  ),

  durableCase(
    "keeps timers and the times of parked events",
    async (store) => {
      const timers = [{ id: "1/after/0", event: "TICK", dueAt: T0 + MINUTE }];
      await commitNow(store, aPut({ timers }, { park: [aParkedEvent("e1", { nextTryAt: T0 + MINUTE })] }));
    },
    async (store) => {
      assert.ok(((await store.nextDueAt(["timer"])) ?? Number.POSITIVE_INFINITY) <= T0 + MINUTE);
      const items = await take(store, ["timer", "parked"], { now: T0 + MINUTE });
      assert.deepEqual(items.map(({ kind }) => kind).sort(), ["parked", "timer"]);
    },
  ),

  durableCase(
    "keeps records and revisions, and uses no version of a removed record again",
    async (store) => {
      await store.revisions.put({ name: "web", hash: "h1", source: "name: web" }, T0);
      await store.records.put({ key: "kept", value: { a: 1 }, expected: "absent", now: T0 });
      const removed = await store.records.put({ key: "removed", value: 1, expected: "absent", now: T0 });
      const version = expectKind(removed, "written").record.version;
      await store.records.remove("removed", version);
      return version;
    },
    async (store, version) => {
      assert.equal((await store.revisions.get("h1"))?.source, "name: web");
      assert.deepEqual((await store.records.get("kept", T0))?.value, { a: 1 });
      const again = await store.records.put({ key: "removed", value: 1, expected: "absent", now: T0 });
      assert.ok(expectKind(again, "written").record.version > version);
    },
  ),
];

async function listEverything(store: Store) {
  const page = { limit: 100 };
  const [loaded, stacks, history, deadLetters, stats] = await Promise.all([
    store.load(["s1"]),
    store.queries.listStacks({}, page),
    store.queries.listHistory({}, page),
    store.queries.listDeadLetters({}, page),
    store.queries.stats(),
  ]);
  return { loaded, stacks, history, deadLetters, stats };
}
