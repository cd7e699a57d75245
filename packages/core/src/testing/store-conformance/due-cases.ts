import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { DueKind } from "../../ports/work-queue.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  ALL_KINDS,
  aChange,
  aDispatch,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  DAY,
  dispatchNow,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  take,
  toReceipts,
} from "./store-builders.ts";
import { expectKind, storeCase } from "./store-case.ts";

function aTimer(dueAt: number, index = 0) {
  return { id: `1/after/${index}`, event: "TICK", dueAt };
}

async function takeStacks(store: Store, kind: "timer" | "parked", now: number, limit = 100) {
  const items = await store.takeDue({ kinds: [kind], now, limit, leaseMs: MINUTE });
  return items.map((item) => ("stackId" in item ? item.stackId : assert.fail(item.kind)));
}

/** Holds when the answer is at or before that instant. */
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

  storeCase("hands a due timer out again after the lease of its take, until a commit drops it", async (store) => {
    await commitNow(store, aPut({ timers: [aTimer(T0)] }));

    assert.deepEqual(await takeStacks(store, "timer", T0), ["s1"]);
    assert.deepEqual(await takeStacks(store, "timer", T0 + MINUTE - 1), []);
    assert.deepEqual(await takeStacks(store, "timer", T0 + MINUTE), ["s1"]);
    await commitNow(store, aPut({ timers: [] }));
    assert.deepEqual(await takeStacks(store, "timer", T0 + DAY), []);
  }),

  storeCase(
    "hands a timer out before its time to who asks for later, and an earlier one all the same",
    async (store) => {
      await commitNow(store, aPut({ timers: [aTimer(T0 + MINUTE)] }));
      const items = await take(store, ["timer"], { now: T0 + 2 * MINUTE, leaseMs: MINUTE });
      assert.deepEqual(items, [{ kind: "timer", stackId: "s1", dueAt: T0 + MINUTE }]);
      assert.deepEqual(await takeStacks(store, "timer", T0 + 3 * MINUTE - 1), []);

      await commitNow(store, aPut({ timers: [aTimer(T0 + SECOND), aTimer(T0 + MINUTE, 1)] }));

      assert.deepEqual(await takeStacks(store, "timer", T0 + SECOND), ["s1"]);
    },
  ),

  storeCase("hands the next timer of a stack out as soon as it is due, whatever was taken before", async (store) => {
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

  storeCase("hands due timers out oldest first, at most as many as asked for", async (store) => {
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

  storeCase("hands out only the kinds that are asked for", async (store) => {
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
    await store.release((await take(store, ["event"])).flatMap(toReceipts));

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
    const grant = await grantNow(store, "a1", { timeoutMs: HOUR, leaseMs: MINUTE });
    await assertDueBy(store, ["deadline"], T0 + HOUR);
    await assertDueBy(store, ["lapsedLease"], T0 + MINUTE);

    await store.suspend(grant, { progress: {}, dueAt: T0 + 2 * MINUTE, now: T0 });

    await assertDueBy(store, ["poll"], T0 + 2 * MINUTE);
    assert.equal(await store.nextDueAt(["lapsedLease"]), undefined);
  }),
];
