import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { DueKind } from "../../ports/work-queue.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { loadParked } from "./load-parked.ts";
import {
  ALL_KINDS,
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  DAY,
  dispatchNow,
  expectKind,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  storeCase,
  T0,
  take,
  takeEventIds,
  takeReceipts,
} from "./store-builders.ts";

function aTimer(dueAt: number, index = 0) {
  return { id: `1/after/${index}`, event: "TICK", dueAt };
}

async function takeStacks(store: Store, kind: "timer" | "parked", now: number, limit = 100) {
  const items = await store.takeDue({ kinds: [kind], now, limit, leaseMs: MINUTE });
  return items.map((item) => ("stackId" in item ? item.stackId : assert.fail(item.kind)));
}

/** Asserts that the result is at or before that instant. */
async function assertDueBy(store: Store, kinds: readonly DueKind[], at: number) {
  const next = await store.nextDueAt(kinds);
  assert.ok(next !== undefined && next <= at, `nextDueAt gave ${next} for what is due at ${at}.`);
}

/** Timers, parked events, and `nextDueAt`. */
export const dueCases: readonly ConformanceCase<Store>[] = [
  storeCase("hands a stack with a due timer out, with the instant of its first one", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0 + 2 * SECOND, 1), aTimer(T0 + SECOND)] }));

    assert.deepEqual(await take(store, ["timer"], { now: T0 + SECOND - 1 }), []);
    const items = await take(store, ["timer"], { now: T0 + HOUR });

    assert.deepEqual(items, [{ kind: "timer", stackId: "s1", dueAt: T0 + SECOND }]);
  }),

  storeCase(
    "does not hand out a timer whose event was refused, and finds its stack when it was given up",
    async (store) => {
      const refused = { at: T0, code: "EVENT_NOT_HANDLED", reason: "no", givenUpAt: T0 };
      await commitNow(store, aPut({ timers: [{ ...aTimer(T0), refused }, aTimer(T0 + HOUR, 1)] }));

      const { items } = await store.queries.listStacks({ condition: "overdue" }, { limit: 9 });

      assert.deepEqual(await takeStacks(store, "timer", T0 + MINUTE), []);
      assert.deepEqual(await takeStacks(store, "timer", T0 + HOUR), ["s1"]);
      assert.deepEqual(
        items.map(({ stack }) => stack.id),
        ["s1"],
      );
    },
  ),

  storeCase("hands a due timer out again after the lease of its take, until a commit drops it", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0)] }));

    assert.deepEqual(await takeStacks(store, "timer", T0), ["s1"]);
    assert.deepEqual(await takeStacks(store, "timer", T0 + MINUTE - 1), []);
    assert.deepEqual(await takeStacks(store, "timer", T0 + MINUTE), ["s1"]);
    await commitNow(store, aPut({ timers: [] }));
    assert.deepEqual(await takeStacks(store, "timer", T0 + DAY), []);
  }),

  storeCase("returns a timer before its time to a caller with a later clock, and an earlier one too", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0 + MINUTE)] }));
    const items = await take(store, ["timer"], { now: T0 + 2 * MINUTE, leaseMs: MINUTE });
    assert.deepEqual(items, [{ kind: "timer", stackId: "s1", dueAt: T0 + MINUTE }]);
    assert.deepEqual(await takeStacks(store, "timer", T0 + 3 * MINUTE - 1), []);

    await commitNow(store, aPut({ timers: [aTimer(T0 + SECOND), aTimer(T0 + MINUTE, 1)] }));

    assert.deepEqual(await takeStacks(store, "timer", T0 + SECOND), ["s1"]);
  }),

  storeCase("returns the next timer of a stack when it is due, whatever was received before", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0)] }));
    await takeStacks(store, "timer", T0);

    await commitNow(store, aPut({ timers: [aTimer(T0 + SECOND)] }));

    assert.deepEqual(await takeStacks(store, "timer", T0 + SECOND), ["s1"]);
  }),

  storeCase("hands a timer out at once that is due at the instant of one that was taken", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0, 0), aTimer(T0, 1)] }));
    await takeStacks(store, "timer", T0);

    await commitNow(store, aPut({ timers: [aTimer(T0, 1)] }));

    assert.deepEqual(await takeStacks(store, "timer", T0), ["s1"]);
  }),

  storeCase("drops the timers of a removed stack", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0)] }));
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    assert.deepEqual(await takeStacks(store, "timer", T0 + DAY), []);
  }),

  storeCase("keeps the timers of a stack that is kept", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0 + SECOND)] }));
    await commitNow(store, aChange({ park: [aParkedEvent("e1")] }));

    assert.deepEqual(await takeStacks(store, "timer", T0 + SECOND), ["s1"]);
  }),

  storeCase("returns due timers oldest first, at most as many as requested", async (store) => {
    for (const [id, at] of [["late", T0 + 2] as const, ["first", T0] as const, ["mid", T0 + 1] as const]) {
      await commitNow(store, aPut({ id, timers: [aTimer(at)] }));
    }

    assert.deepEqual(await takeStacks(store, "timer", T0 + HOUR, 2), ["first", "mid"]);
    assert.deepEqual(await takeStacks(store, "timer", T0 + HOUR, 2), ["late"]);
  }),

  storeCase("hands a stack out when one of its parked events is to be tried again", async (store) => {
    const later = aParkedEvent("e2", { nextTryAt: T0 + HOUR });
    await commitNow(store, aPut({}, { park: [later, aParkedEvent("e1", { nextTryAt: T0 + SECOND })] }));

    assert.deepEqual(await takeStacks(store, "parked", T0 + SECOND - 1), []);
    const items = await take(store, ["parked"], { now: T0 + SECOND, leaseMs: MINUTE });
    assert.deepEqual(items, [{ kind: "parked", stackId: "s1", dueAt: T0 + SECOND }]);
    assert.deepEqual(await takeStacks(store, "parked", T0 + MINUTE), []);
    assert.deepEqual(await takeStacks(store, "parked", T0 + SECOND + MINUTE), ["s1"]);
  }),

  storeCase("tries a parked event again when its last commit says", async (store) => {
    await commitNow(store, aPut({}, { park: [aParkedEvent("e1", { nextTryAt: T0 + SECOND })] }));
    await takeStacks(store, "parked", T0 + SECOND);

    await commitNow(store, aChange({ park: [aParkedEvent("e1", { tries: 2, nextTryAt: T0 + HOUR })] }));

    assert.deepEqual(await takeStacks(store, "parked", T0 + HOUR - 1), []);
    assert.deepEqual(await takeStacks(store, "parked", T0 + HOUR), ["s1"]);
    await commitNow(store, aChange({ unpark: ["e1"] }));
    assert.deepEqual(await takeStacks(store, "parked", T0 + DAY), []);
  }),

  storeCase("tries events again that are parked where no stack is", async (store) => {
    await commitNow(store, aChange({ park: [aParkedEvent("e1", { nextTryAt: T0 })] }));

    assert.deepEqual(await takeStacks(store, "parked", T0), ["s1"]);
  }),

  storeCase("returns only the requested kinds", async (store) => {
    const dispatches = [aDispatch("a1")];
    await store.enqueue([aQueuedEvent("e1")]);
    await commitNow(
      store,
      aPut({ timers: [aTimer(T0)] }, { dispatches, park: [aParkedEvent("e2", { nextTryAt: T0 })] }),
    );

    for (const kind of ["event", "task", "timer", "parked"] as const) {
      const items = await take(store, [kind]);
      assert.deepEqual([items.length, items[0]?.kind], [1, kind]);
    }
    assert.deepEqual(await take(store, ["poll", "deadline", "lapsedLease"]), []);
    assert.deepEqual(await take(store, []), []);
  }),

  storeCase("hands several kinds out in one take", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    await commitNow(store, aPut({ timers: [aTimer(T0)] }, { dispatches: [aDispatch("a1")] }));

    const items = await take(store, ALL_KINDS);

    assert.deepEqual(items.map(({ kind }) => kind).sort(), ["event", "task", "timer"]);
  }),

  storeCase("hands old work of one kind out before newer work of another", async (store) => {
    await dispatchNow(store, ["old"]);
    await store.suspend(await grantNow(store, "old"), { progress: {}, dueAt: T0 + SECOND, now: T0 });
    await commitNow(store, aPut({}, { dispatches: [aDispatch("new")], now: T0 + 2 * SECOND }));
    const input = { kinds: ["task", "poll"] as const, now: T0 + 3 * SECOND, limit: 1, leaseMs: MINUTE };

    const first = await store.takeDue(input);
    const second = await store.takeDue(input);

    assert.deepEqual(
      [...first, ...second].map(({ kind }) => kind),
      ["poll", "task"],
    );
  }),

  storeCase("knows no next instant when nothing is waiting", async (store) => {
    assert.equal(await store.nextDueAt(ALL_KINDS), undefined);
    await store.enqueue([aQueuedEvent("e1")]);
    await store.release(await takeReceipts(store, ["event"]));

    assert.equal(await store.nextDueAt(ALL_KINDS), undefined);
  }),

  storeCase("is never late with the next instant of queued rows", async (store) => {
    await store.enqueue([aQueuedEvent("e1")]);
    await assertDueBy(store, ["event"], T0);

    const [item] = await take(store, ["event"], { leaseMs: MINUTE });
    await assertDueBy(store, ["event"], T0 + MINUTE);
    await store.release([expectKind(item, "event").receipt], T0 + SECOND);
    await assertDueBy(store, ["event"], T0 + SECOND);
    assert.equal(await store.nextDueAt(["task", "timer"]), undefined);

    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await assertDueBy(store, ["task"], T0);
  }),

  storeCase("is never late with the next instant of timers and parked events", async (store) => {
    await commitNow(store, aPut({ id: "a", timers: [aTimer(T0 + HOUR)] }));
    await assertDueBy(store, ["timer"], T0 + HOUR);
    await commitNow(store, aPut({ id: "b", timers: [aTimer(T0 + MINUTE)] }));
    await assertDueBy(store, ["timer"], T0 + MINUTE);
    await takeStacks(store, "timer", T0 + MINUTE);
    await assertDueBy(store, ["timer"], T0 + 2 * MINUTE);

    await commitNow(store, aChange({ stackId: "a", park: [aParkedEvent("e1", { nextTryAt: T0 + SECOND })] }));
    await assertDueBy(store, ["parked"], T0 + SECOND);
    await assertDueBy(store, ["timer", "parked"], T0 + SECOND);
  }),

  storeCase("is never late with the next instant of attempts", async (store) => {
    await dispatchNow(store, ["a1"]);
    await assertDueBy(store, ["deadline"], T0 + DAY);
    const grant = await grantNow(store, "a1", { leaseMs: MINUTE });
    await assertDueBy(store, ["deadline"], T0 + HOUR);
    await assertDueBy(store, ["lapsedLease"], T0 + MINUTE);

    await store.suspend(grant, { progress: {}, dueAt: T0 + 2 * MINUTE, now: T0 });

    await assertDueBy(store, ["poll"], T0 + 2 * MINUTE);
    assert.equal(await store.nextDueAt(["lapsedLease"]), undefined);
  }),
];

async function listDeadLetterIds(store: Store, filter: { stackId?: string; code?: string } = {}) {
  const { items } = await store.queries.listDeadLetters(filter, { limit: 100 });
  return items.map(({ id }) => id);
}

/** Parked events and dead letters. */
export const parkedCases: readonly ConformanceCase<Store>[] = [
  storeCase("loads parked events as they were parked, oldest first", async (store) => {
    const parked = ["e1", "e2", "e3"].map((id, index) => aParkedEvent(id, { parkedAt: T0 + index }));

    await commitNow(store, aPut({}, { park: parked.slice(0, 2) }));
    await commitNow(store, aChange({ park: parked.slice(2) }));

    assert.deepEqual(await loadParked(store), parked);
  }),

  storeCase("replaces a parked event under its id, in its place", async (store) => {
    await commitNow(store, aChange({ park: [aParkedEvent("e1"), aParkedEvent("e2", { parkedAt: T0 + 1 })] }));
    const again = aParkedEvent("e1", { tries: 2, nextTryAt: T0 + 40 * SECOND, code: "STATE_UNKNOWN" });

    await commitNow(store, aChange({ park: [again] }));

    assert.deepEqual(await loadParked(store), [again, aParkedEvent("e2", { parkedAt: T0 + 1 })]);
    assert.equal((await store.queries.stats()).parkedEvents, 2);
  }),

  storeCase("unparks events, and ignores ids that are not parked", async (store) => {
    await commitNow(store, aChange({ park: [aParkedEvent("e1"), aParkedEvent("e2")] }));

    await commitNow(store, aPut({}, { unpark: ["e1", "nothing"], appliedIds: ["e1"] }));

    assert.deepEqual(
      (await loadParked(store)).map(({ event }) => event.id),
      ["e2"],
    );
    assert.equal((await store.queries.stats()).parkedEvents, 1);
  }),

  storeCase("keeps parked events over the removal of their stack", async (store) => {
    await commitNow(store, aPut({}, { park: [aParkedEvent("e1")] }));

    await commitNow(store, aChange({ write: { kind: "remove" } }));

    assert.deepEqual(await loadParked(store), [aParkedEvent("e1")]);
  }),

  storeCase("lists the ids of stacks with parked events, also of those that do not exist", async (store) => {
    const park = (stackId: string, ids: readonly string[]) =>
      ids.map((id) => aParkedEvent(id, { event: aQueuedEvent(id, { stackId }) }));
    await commitNow(store, aPut({ id: "quiet" }));
    await commitNow(store, aPut({ id: "c" }, { park: park("c", ["e1", "e2"]) }));
    await commitNow(store, aChange({ stackId: "b", park: park("b", ["e1"]) }));
    await commitNow(store, aPut({ id: "d" }, { park: park("d", ["e1"]) }));
    await commitNow(store, aChange({ stackId: "d", write: { kind: "remove" } }));
    await commitNow(store, aPut({ id: "a" }, { park: park("a", ["e1"]) }));

    const first = await store.queries.listParkedStackIds({ limit: 2 });
    await commitNow(store, aPut({ id: "a" }, { unpark: ["e1"] }));
    const second = await store.queries.listParkedStackIds({ limit: 9, after: "b" });

    assert.deepEqual(
      [first, second],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
    assert.deepEqual(await store.queries.listParkedStackIds({ limit: 9 }), ["b", "c", "d"]);
  }),

  storeCase("lists the dead letters, newest first, by stack and by code", async (store) => {
    const other = aDeadLetter("x3", { event: aQueuedEvent("e3", { stackId: "s2" }), deadLetteredAt: T0 + 2 });
    const invalid = aDeadLetter("x2", { code: "EVENT_INVALID", deadLetteredAt: T0 + 1 });
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1"), invalid] }));
    await commitNow(store, aChange({ stackId: "s2", deadLetters: [other] }));

    const { items } = await store.queries.listDeadLetters({}, { limit: 10 });

    assert.deepEqual(items, [other, invalid, aDeadLetter("x1")]);
    assert.deepEqual(await listDeadLetterIds(store, { stackId: "s1" }), ["x2", "x1"]);
    assert.deepEqual(await listDeadLetterIds(store, { code: "EVENT_UNDECLARED" }), ["x3", "x1"]);
    assert.deepEqual(await listDeadLetterIds(store, { stackId: "s1", code: "EVENT_UNDECLARED" }), ["x1"]);
  }),

  storeCase("keeps what a change of the empty stack id dead-letters of another stack under that one", async (store) => {
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("e2")]);
    const receipts = await takeReceipts(store, ["event"], { limit: 1 });
    const deadLetters = [aDeadLetter("x1", { event: aQueuedEvent("e1") })];
    const history = [aHistoryEntry("e1", { outcome: "dead-lettered" })];

    await commitNow(store, aChange({ stackId: "", deadLetters, history, receipts }));

    assert.deepEqual(await listDeadLetterIds(store, { stackId: "s1" }), ["x1"]);
    const { items } = await store.queries.listHistory({ eventId: "e1" }, { limit: 10 });
    assert.deepEqual(
      items.map(({ stackId }) => stackId),
      ["s1"],
    );
    assert.deepEqual(await takeEventIds(store), ["e2"]);
  }),

  storeCase("pages through the dead letters while rows come and go", async (store) => {
    const ids = ["x1", "x2", "x3", "x4", "x5"];
    const deadLetters = ids.map((id, index) => aDeadLetter(id, { deadLetteredAt: T0 + index }));
    await commitNow(store, aChange({ deadLetters }));
    const first = await store.queries.listDeadLetters({}, { limit: 2 });

    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x6", { deadLetteredAt: T0 + 9 })] }));
    await store.queries.redrive(["x4", "x3"], T0);
    const second = await store.queries.listDeadLetters({}, { limit: 10, cursor: first.cursor ?? "" });

    assert.deepEqual(
      [...first.items, ...second.items].map(({ id }) => id),
      ["x5", "x4", "x2", "x1"],
    );
    assert.equal(second.cursor, undefined);
  }),

  storeCase("sends a dead letter again under its id, and gives the ids that it found", async (store) => {
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] }));

    const found = await store.queries.redrive(["x2", "nothing"], T0 + SECOND);

    assert.deepEqual(found, ["x2"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + SECOND }), ["event-of-x2"]);
    assert.deepEqual(await listDeadLetterIds(store), ["x1"]);
    assert.equal((await store.queries.stats()).deadLetters, 1);
    assert.deepEqual(await store.queries.redrive(["x2"], T0 + SECOND), []);
  }),

  storeCase("removes a dismissed dead letter for good, and gives the ids that it found", async (store) => {
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] }));

    const found = await store.queries.dismiss(["x2", "nothing", "x2"], T0 + SECOND);

    assert.deepEqual(found, ["x2"]);
    assert.deepEqual(await takeEventIds(store, { now: T0 + SECOND }), []);
    assert.deepEqual(await listDeadLetterIds(store), ["x1"]);
    assert.equal((await store.queries.stats()).deadLetters, 1);
    assert.deepEqual(await store.queries.dismiss(["x2"], T0 + SECOND), []);
    assert.deepEqual(await store.queries.redrive(["x2"], T0 + SECOND), []);
  }),

  storeCase("queues a redriven event once when it is queued or was applied meanwhile", async (store) => {
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] }));
    await store.enqueue([aQueuedEvent("event-of-x1")]);
    await commitNow(store, aPut({}, { appliedIds: ["event-of-x2"] }));

    await store.queries.redrive(["x1", "x2"], T0);

    assert.deepEqual(await takeEventIds(store), ["event-of-x1"]);
    assert.deepEqual(await listDeadLetterIds(store), []);
  }),

  storeCase("takes the id of a dead letter as a new one", async (store) => {
    await commitNow(store, aChange({ deadLetters: [aDeadLetter("x1")] }));

    await store.enqueue([aQueuedEvent("event-of-x1")]);

    assert.deepEqual(await takeEventIds(store), ["event-of-x1"]);
  }),
];
