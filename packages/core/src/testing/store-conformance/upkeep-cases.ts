import assert from "node:assert/strict";
import type { PageInput } from "../../ports/records.ts";
import type { Retention, Store, StoreSignal } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  ALL_KINDS,
  aChange,
  aClaim,
  aDeadLetter,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  assertRejects,
  commitNow,
  commitOnPresent,
  DAY,
  dispatchNow,
  grantNow,
  HOUR,
  listAll,
  storeCase,
  T0,
  take,
} from "./store-builders.ts";

const KEEP: Retention = {
  historyMs: DAY,
  eventIdMs: DAY,
  eventIdCount: 2,
  deadLetterMs: DAY,
  settledAttemptMs: DAY,
};

async function pruneAll(store: Store, retention: Partial<Retention>, now: number) {
  for (let calls = 0; await store.prune({ ...KEEP, ...retention }, now); calls += 1) {
    assert.ok(calls < 100, "prune does not come to an end.");
  }
}

async function isRemembered(store: Store, id: string) {
  const { kind } = await commitOnPresent(store, aPut({}, { appliedIds: [id] }));
  return kind === "duplicate";
}

/** Resolves with the next signal of that kind. */
function nextSignal(store: Store, kind: StoreSignal["kind"]): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.watch((signal) => {
      if (signal.kind !== kind) return;
      stop();
      resolve();
    });
  });
}

/** Revisions, pruning, watching and closing. */
export const upkeepCases: readonly ConformanceCase<Store>[] = [
  storeCase("keeps revisions by hash, and ignores a known one", async (store) => {
    const revision = { name: "web", hash: "h1", source: "name: web\n# ünïcode\n" };

    await store.revisions.put(revision, T0);
    await store.revisions.put({ ...revision, source: "other" }, T0 + 1);

    assert.deepEqual(await store.revisions.get("h1"), { ...revision, firstSeenAt: T0 });
    assert.equal(await store.revisions.get("h2"), undefined);
  }),

  storeCase("lists the revisions of a machine over pages, those first that were seen last", async (store) => {
    const put = (name: string, hash: string, at: number) => store.revisions.put({ name, hash, source: hash }, at);
    for (const [hash, at] of [
      ["b", 2],
      ["c", 2],
      ["a", 3],
      ["e", 1],
      ["d", 2],
    ] as const)
      await put("web", hash, T0 + at);
    await put("web", "a", T0 + 9);
    await put("other", "f", T0 + 2);
    const list = (input: PageInput) => store.revisions.list("web", input);

    const all = (await list({ limit: 9 })).items;

    assert.deepEqual(all[0], { name: "web", hash: "a", firstSeenAt: T0 + 3 });
    assert.deepEqual(
      all.map(({ hash }) => hash),
      ["a", "d", "c", "b", "e"],
    );
    assert.deepEqual(await listAll(list, 2), all);
    assert.deepEqual(await store.revisions.list("unknown", { limit: 9 }), { items: [] });
    await assertRejects(() => list({ limit: 9, cursor: "x" }), "USAGE");
  }),

  storeCase("finds the hashes of a machine's revisions by their first digits, at most 10", async (store) => {
    const put = (name: string, hash: string) => store.revisions.put({ name, hash, source: hash }, T0);
    for (const hash of ["ab12ff", "ab1200", "ab2000", "cd0000"]) await put("web", hash);
    await put("api", "ab1299");
    for (let digit = 0; digit < 12; digit++) await put("web", `ee${digit.toString(16)}0`);

    assert.deepEqual(await store.revisions.findHashes("web", "ab12"), ["ab1200", "ab12ff"]);
    assert.deepEqual(await store.revisions.findHashes("web", "ab12ff"), ["ab12ff"]);
    assert.deepEqual(await store.revisions.findHashes("web", "0"), []);
    assert.deepEqual(await store.revisions.findHashes("unknown", "ab"), []);
    assert.equal((await store.revisions.findHashes("web", "ee")).length, 10);
  }),

  storeCase("prunes history by age", async (store) => {
    await commitNow(store, aPut({}, { history: [aHistoryEntry("e1", { at: T0 })], now: T0 }));
    const later = T0 + DAY;
    await commitNow(store, aPut({}, { history: [aHistoryEntry("e2", { at: later })], now: later }));

    await pruneAll(store, {}, T0 + DAY + HOUR);

    for (const filter of [{}, { stackId: "s1" }]) {
      const { items } = await store.queries.listHistory(filter, { limit: 10 });
      assert.deepEqual(
        items.map(({ eventId }) => eventId),
        ["e2"],
      );
    }
    assert.deepEqual((await store.queries.listHistory({ eventId: "e1" }, { limit: 10 })).items, []);
  }),

  storeCase("prunes event ids by age, but keeps the last ones of each stack", async (store) => {
    for (const id of ["e1", "e2", "e3"]) await commitNow(store, aPut({}, { appliedIds: [id], now: T0 }));

    await pruneAll(store, { eventIdCount: 2 }, T0 + 2 * DAY);

    assert.equal(await isRemembered(store, "e3"), true);
    assert.equal(await isRemembered(store, "e2"), true);
    assert.equal(await isRemembered(store, "e1"), false);
  }),

  storeCase("keeps event ids that are young enough, however many there are", async (store) => {
    for (const id of ["e1", "e2", "e3"]) await commitNow(store, aPut({}, { appliedIds: [id], now: T0 }));

    await pruneAll(store, { eventIdCount: 0 }, T0 + HOUR);

    assert.equal(await isRemembered(store, "e1"), true);
  }),

  storeCase("prunes the event ids of removed stacks by age alone", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1", "e2"], now: T0 }));
    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e3"], now: T0 + 2 * DAY }));

    await pruneAll(store, { eventIdCount: 1_000 }, T0 + 2 * DAY + HOUR);

    assert.equal(await isRemembered(store, "e3"), true);
    assert.equal(await isRemembered(store, "e2"), false);
  }),

  storeCase("continues the versions of a removed stack while anything of it is kept", async (store) => {
    await commitNow(store, aPut({}, { appliedIds: ["e1"], now: T0 }));
    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e2"], now: T0 + HOUR }));

    await pruneAll(store, { historyMs: 10 * DAY }, T0 + 5 * DAY);

    assert.notEqual(await commitNow(store, aPut({ id: "s1" })), await commitNow(store, aPut({ id: "other" })));
  }),

  storeCase("forgets a removed stack with the last that is kept of it", async (store) => {
    const history = [aHistoryEntry("e1", { at: T0 })];
    await commitNow(store, aPut({}, { appliedIds: ["e1"], history, now: T0 }));
    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e2"], now: T0 + HOUR }));

    for (const days of [2, 3]) await pruneAll(store, {}, T0 + days * DAY);

    const version = await commitNow(store, aPut({}, { appliedIds: ["e2"] }));
    assert.equal(version, await commitNow(store, aPut({ id: "other" })));
    assert.equal(await isRemembered(store, "e2"), true);
    assert.equal((await store.queries.stats()).stacks, 2);
  }),

  storeCase("forgets nothing of an absent stack for which an event is parked", async (store) => {
    const parked = aParkedEvent("e3", { parkedAt: T0, nextTryAt: T0 + 50 * DAY });
    await commitNow(store, aChange({ write: { kind: "keep" }, appliedIds: ["e1"], now: T0 }));
    await commitNow(store, aChange({ park: [parked], now: T0 }));

    await pruneAll(store, {}, T0 + 40 * DAY);

    assert.equal((await store.queries.stats()).parkedEvents, 1);
    assert.deepEqual(await store.queries.listParkedStackIds({ limit: 9 }), ["s1"]);
  }),

  storeCase("prunes the dead letters by age", async (store) => {
    const young = aDeadLetter("x2", { deadLetteredAt: T0 + DAY });
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1", { deadLetteredAt: T0 }), young] }));

    await pruneAll(store, {}, T0 + DAY + HOUR);

    assert.deepEqual((await store.queries.listDeadLetters({}, { limit: 10 })).items, [young]);
    assert.equal((await store.queries.stats()).deadLetters, 1);
  }),

  storeCase("prunes settled attempts by the age of their end, and never an open one", async (store) => {
    await dispatchNow(store, ["old", "young", "open"], { now: T0 });
    await commitNow(store, aChange({ endedAttempts: ["old"], now: T0 + HOUR }));
    await commitNow(store, aChange({ endedAttempts: ["young"], now: T0 + DAY }));

    await pruneAll(store, {}, T0 + DAY + 2 * HOUR);

    assert.equal(await store.findAttempt("old"), undefined);
    assert.equal((await store.claim(aClaim("old"))).kind, "gone");
    assert.deepEqual(
      (await store.queries.listAttempts("s1")).map(({ attemptId }) => attemptId),
      ["open", "young"],
    );
  }),

  storeCase("prunes nothing of a stack's record, its queue and its timers", async (store) => {
    await commitNow(store, aPut({ timers: [{ id: "1/after/0", event: "TICK", dueAt: T0 }] }, { now: T0 }));
    await store.enqueue([aQueuedEvent("e1")]);

    await pruneAll(store, { eventIdCount: 0 }, T0 + 100 * DAY);

    const items = await take(store, ALL_KINDS, { now: T0 + 100 * DAY });
    assert.deepEqual(items.map(({ kind }) => kind).sort(), ["event", "timer"]);
    assert.equal((await store.queries.stats()).stacks, 1);
  }),

  storeCase("notifies listeners of queued events, of tasks and of history", async (store) => {
    const event = nextSignal(store, "event");
    await store.enqueue([aQueuedEvent("e1")]);
    await event;

    const [task, history] = [nextSignal(store, "task"), nextSignal(store, "history")];
    await dispatchNow(store, ["a1"]);
    await commitNow(store, aPut({}, { history: [aHistoryEntry("e1")] }));
    await Promise.all([task, history]);
  }),

  storeCase("notifies listeners of the progress of running attempts", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1");

    const renewed = nextSignal(store, "progress");
    await store.renew(grant, { leaseMs: 30_000, message: "half", now: T0 });
    await renewed;
    const suspended = nextSignal(store, "progress");
    await store.suspend(grant, { progress: {}, dueAt: T0 + 1_000, now: T0 });
    await suspended;
  }),

  storeCase("does not notify a listener after it stopped", async (store) => {
    const heard: string[] = [];
    const stop = store.watch(({ kind }) => heard.push(kind));
    stop();

    const event = nextSignal(store, "event");
    await store.enqueue([aQueuedEvent("e1")]);
    await event;

    assert.deepEqual(heard, []);
  }),

  storeCase("fails with STORE_CLOSED after it was closed", async (store) => {
    await store.close();

    await assertRejects(() => store.load(["s1"]), "STORE_CLOSED");
    await assertRejects(() => store.commit([aPut()]), "STORE_CLOSED");
    await assertRejects(() => store.enqueue([aQueuedEvent("e1")]), "STORE_CLOSED");
    await assertRejects(() => take(store, ["event"]), "STORE_CLOSED");
    await assertRejects(() => store.claim(aClaim("a1")), "STORE_CLOSED");
    await assertRejects(() => store.queries.stats(), "STORE_CLOSED");
    await assertRejects(() => store.revisions.get("h1"), "STORE_CLOSED");
    await assertRejects(() => store.records.get("a", T0), "STORE_CLOSED");
  }),
];
