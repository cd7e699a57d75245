import assert from "node:assert/strict";
import { defined } from "../../machine/json.ts";
import type { AttemptView } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aDispatch,
  aPut,
  aSettle,
  commitNow,
  DAY,
  dispatchNow,
  expectKind,
  expectThere,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  storeCase,
  T0,
  take,
  takeAttemptIds,
  takeReceipts,
} from "./store-builders.ts";

/** The lease of one attempt: `claim` without keys. */
export const claimCases: readonly ConformanceCase<Store>[] = [
  storeCase("answers gone for an attempt that is not known", async (store) => {
    assert.deepEqual(await store.claim(aClaim("a1")), { kind: "gone" });
  }),

  storeCase("grants a dispatched attempt, with its deadline counted from now", async (store) => {
    await dispatchNow(store, ["a1"], { timeoutMs: 10 * MINUTE });
    const now = T0 + 3 * HOUR;

    const claim = expectKind(await store.claim(aClaim("a1", { now })), "granted");

    assert.equal(claim.deadlineAt, now + 10 * MINUTE);
    assert.equal(claim.again, false);
    assert.equal(claim.cancelling, undefined);
    assert.equal(claim.progress, undefined);
    assert.deepEqual([claim.grant.attemptId, claim.grant.owner], ["a1", "w1"]);
    assert.ok(claim.grant.token > 0);
  }),

  storeCase("answers held while the lease is live, to its owner too", async (store) => {
    await dispatchNow(store, ["a1"]);
    await grantNow(store, "a1", { owner: "w1", leaseMs: MINUTE });

    const now = T0 + MINUTE - 1;

    assert.deepEqual(await store.claim(aClaim("a1", { owner: "w2", now })), { kind: "held", by: "w1" });
    assert.deepEqual(await store.claim(aClaim("a1", { owner: "w1", now })), { kind: "held", by: "w1" });
  }),

  storeCase("grants one of those who claim at the same time", async (store) => {
    await dispatchNow(store, ["a1"]);

    const claims = await Promise.all(["w1", "w2", "w3"].map((owner) => store.claim(aClaim("a1", { owner }))));

    assert.deepEqual(claims.map(({ kind }) => kind).sort(), ["granted", "held", "held"]);
  }),

  storeCase(
    "grants again when the lease is over, with a higher token and the deadline of the first grant",
    async (store) => {
      await dispatchNow(store, ["a1"]);
      const first = expectKind(await store.claim(aClaim("a1")), "granted");

      const second = expectKind(await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE })), "granted");

      assert.equal(second.again, true);
      assert.equal(second.deadlineAt, first.deadlineAt);
      assert.ok(second.grant.token > first.grant.token);
    },
  ),

  storeCase("refuses what a late owner does with an older token", async (store) => {
    await dispatchNow(store, ["a1"]);
    const late = await grantNow(store, "a1");
    const now = T0 + MINUTE;
    await grantNow(store, "a1", { owner: "w2", now });

    assert.deepEqual(await store.renew(late, { leaseMs: MINUTE, now }), { kind: "lost" });
    assert.equal(await store.suspend(late, { progress: {}, dueAt: now, now }), "lost");
    assert.equal(await store.settle(late, aSettle("a1", { now })), "lost");

    const view = expectThere(await store.findAttempt("a1"));
    assert.deepEqual([view.status, view.owner, view.leaseUntil], ["running", "w2", now + MINUTE]);
    assert.equal((await store.queries.stats()).queuedEvents, 0);
  }),

  storeCase("goes by the token, not by the owner's name", async (store) => {
    await dispatchNow(store, ["a1"]);
    const late = await grantNow(store, "a1", { owner: "w1" });
    await grantNow(store, "a1", { owner: "w1", now: T0 + MINUTE });

    assert.equal(await store.settle(late, aSettle("a1")), "lost");
  }),

  storeCase("answers gone once the attempt is settled or closed", async (store) => {
    await dispatchNow(store, ["settled", "closed"]);
    await store.settle(await grantNow(store, "settled"), aSettle("settled"));
    await commitNow(store, aChange({ endedAttempts: ["closed"] }));

    assert.deepEqual(await store.claim(aClaim("settled", { now: T0 + DAY })), { kind: "gone" });
    assert.deepEqual(await store.claim(aClaim("closed", { now: T0 + DAY })), { kind: "gone" });
  }),

  storeCase("ends an attempt that one change dispatches and endedAttempts", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")], endedAttempts: ["a1"] }));

    assert.deepEqual(await store.claim(aClaim("a1")), { kind: "gone" });
    assert.deepEqual(
      [(await store.findAttempt("a1"))?.outcome, (await store.queries.stats()).openAttempts],
      ["closed", 0],
    );
  }),

  storeCase("keeps the deadline over a suspension", async (store) => {
    await dispatchNow(store, ["a1"]);
    const { grant, deadlineAt } = expectKind(await store.claim(aClaim("a1")), "granted");
    await store.suspend(grant, { progress: {}, dueAt: T0 + 30 * MINUTE, now: T0 + SECOND });

    const second = expectKind(await store.claim(aClaim("a1", { now: T0 + 30 * MINUTE })), "granted");

    assert.equal(second.deadlineAt, deadlineAt);
  }),

  storeCase("shows an attempt before and after its first grant", async (store) => {
    await dispatchNow(store, ["a1"], { attempt: 2, entry: 4, now: T0 });

    const before = expectThere(await store.findAttempt("a1"));
    const grant = await grantNow(store, "a1", { now: T0 + SECOND });
    const after = expectThere(await store.findAttempt("a1"));

    const same = { attemptId: "a1", stackId: "s1", task: "plan", entry: 4, attempt: 2, executor: "terraform" };
    const unclaimed = { status: "unclaimed", dispatchedAt: T0, deadlineAt: T0 + DAY, token: 0, heldKeys: [] } as const;
    assert.deepEqual(before, { ...same, ...unclaimed });
    assert.deepEqual(after, {
      ...same,
      status: "running",
      dispatchedAt: T0,
      deadlineAt: T0 + SECOND + HOUR,
      token: grant.token,
      owner: "w1",
      leaseUntil: T0 + SECOND + MINUTE,
      heldKeys: [],
    });
  }),

  storeCase("ends an attempt that no runner claims in the time that its dispatch allows", async (store) => {
    await dispatchNow(store, ["a1"], { timeoutMs: HOUR, claimWithinMs: 10 * MINUTE });

    assert.equal((await store.findAttempt("a1"))?.deadlineAt, T0 + 10 * MINUTE);
    assert.deepEqual(await takeAttemptIds(store, "deadline", { now: T0 + 10 * MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "deadline", { now: T0 + 10 * MINUTE }), ["a1"]);
  }),

  storeCase("gives the message that an attempt was dispatched with", async (store) => {
    await dispatchNow(store, ["a1"]);

    assert.equal((await store.findTaskMessage("a1"))?.dispatch.id, "a1");
    assert.equal(await store.findTaskMessage("a2"), undefined);
    assert.equal(await store.findAttempt("a2"), undefined);
  }),

  storeCase("lists the attempts of a stack, newest first, with at most 50 settled ones", async (store) => {
    const ids = Array.from({ length: 55 }, (_, index) => `a${index}`);
    await dispatchNow(store, ["open", ...ids]);
    await dispatchNow(store, ["other"], { stackId: "s2" });
    await commitNow(store, aChange({ endedAttempts: ids }));

    const listed = await store.queries.listAttempts("s1");

    assert.deepEqual(
      listed.map((view) => view.attemptId),
      [...ids.slice(5).reverse(), "open"],
    );
  }),

  storeCase("lets attempts outlive their stack", async (store) => {
    await dispatchNow(store, ["a1"]);
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    const grant = await grantNow(store, "a1");

    assert.equal(await store.settle(grant, aSettle("a1")), "settled");
    assert.equal((await store.findAttempt("a1"))?.outcome, "succeeded");
  }),
];

/** Suspends an attempt `a1` at `T0`, due a minute later. */
async function suspendOne(store: Store, progress: unknown = { step: 1 }) {
  await dispatchNow(store, ["a1"]);
  const grant = await grantNow(store, "a1");
  assert.equal(await store.suspend(grant, { progress, dueAt: T0 + MINUTE, message: "1 of 3", now: T0 }), "suspended");
  return grant;
}

/** Suspended attempts and renewed leases: `suspend`, `renew`, due polls and lapsed leases. */
export const suspendCases: readonly ConformanceCase<Store>[] = [
  storeCase("gives the lease back with a suspension: the old grant is lost", async (store) => {
    const grant = await suspendOne(store);

    assert.deepEqual(await store.renew(grant, { leaseMs: MINUTE, now: T0 }), { kind: "lost" });
    assert.equal(await store.suspend(grant, { progress: {}, dueAt: T0, now: T0 }), "lost");
    assert.equal(await store.settle(grant, aSettle("a1")), "lost");
    const view = await store.findAttempt("a1");
    assert.deepEqual(
      [view?.status, view?.pollDueAt, view?.progressMessage, view?.leaseUntil],
      ["suspended", T0 + MINUTE, "1 of 3", undefined],
    );
  }),

  storeCase("holds a suspended attempt until it is due, then grants it with its progress", async (store) => {
    const progress = { step: 1, list: [null, { a: "ä" }], zero: 0, no: false, empty: "" };
    const first = await suspendOne(store, progress);

    const early = await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE - 1 }));
    const due = expectKind(await store.claim(aClaim("a1", { owner: "w2", now: T0 + MINUTE })), "granted");

    assert.equal(early.kind, "held");
    assert.deepEqual(due.progress, progress);
    assert.equal(due.again, true);
    assert.ok(due.grant.token > first.token);
  }),

  storeCase(
    "keeps when a suspended attempt can continue and what holds it back, until a later step does not know it or it ends",
    async (store) => {
      const wait = { opensAt: T0 + HOUR, heldBy: "FROZEN" };
      const toWait = ({ opensAt, heldBy }: Partial<AttemptView> = {}) => defined({ opensAt, heldBy });
      const find = async () => toWait(await store.findAttempt("a1"));
      await dispatchNow(store, ["a1"]);
      const first = await grantNow(store, "a1");
      assert.deepEqual(await find(), {});
      await store.suspend(first, { progress: {}, dueAt: T0 + MINUTE, ...wait, now: T0 });
      assert.deepEqual(await find(), wait);
      assert.deepEqual(toWait((await store.queries.listAttempts("s1"))[0]), wait);

      const second = await grantNow(store, "a1", { now: T0 + MINUTE });
      assert.deepEqual(await find(), wait);
      await store.suspend(second, { progress: {}, dueAt: T0 + 2 * MINUTE, now: T0 + MINUTE });
      assert.deepEqual(await find(), {});

      const third = await grantNow(store, "a1", { now: T0 + 2 * MINUTE });
      await store.suspend(third, { progress: {}, dueAt: T0 + 3 * MINUTE, ...wait, now: T0 + 2 * MINUTE });
      const fourth = await grantNow(store, "a1", { now: T0 + 3 * MINUTE });
      await store.settle(fourth, aSettle("a1", { now: T0 + 3 * MINUTE }));
      assert.deepEqual(await find(), {});
    },
  ),

  storeCase("keeps the last progress over a grant whose owner is lost", async (store) => {
    await suspendOne(store, { step: 1 });
    const second = await grantNow(store, "a1", { now: T0 + MINUTE });
    await store.suspend(second, { progress: { step: 2 }, dueAt: T0 + 2 * MINUTE, now: T0 + MINUTE });
    await grantNow(store, "a1", { now: T0 + 2 * MINUTE });

    const fourth = expectKind(await store.claim(aClaim("a1", { now: T0 + HOUR })), "granted");

    assert.deepEqual(fourth.progress, { step: 2 });
  }),

  storeCase("hands the message of a suspended attempt out when its poll is due", async (store) => {
    await suspendOne(store);

    assert.deepEqual(await take(store, ["poll"], { now: T0 + MINUTE - 1 }), []);
    const [item] = await take(store, ["poll"], { now: T0 + MINUTE });

    const poll = expectKind(item, "poll");
    assert.deepEqual([poll.attemptId, poll.message.dispatch.id, poll.dueAt], ["a1", "a1", T0 + MINUTE]);
  }),

  storeCase(
    "returns a poll before its time to a caller with a later clock, once until that lease ends",
    async (store) => {
      await suspendOne(store);
      const input = { now: T0 + 2 * MINUTE, leaseMs: MINUTE };

      const [item] = await take(store, ["poll"], input);

      assert.equal(expectKind(item, "poll").dueAt, T0 + MINUTE);
      assert.deepEqual(await take(store, ["poll"], { ...input, now: T0 + 3 * MINUTE - 1 }), []);
      assert.equal((await store.claim(aClaim("a1", { now: T0 + MINUTE - 1 }))).kind, "held");
      await grantNow(store, "a1", { now: T0 + MINUTE });
      assert.deepEqual(await take(store, ["poll"], { ...input, now: T0 + HOUR }), []);
    },
  ),

  storeCase(
    "hands a poll out again after the lease of its take, acknowledged or not, until it is claimed",
    async (store) => {
      await suspendOne(store);
      const now = T0 + MINUTE;
      await store.release(await takeReceipts(store, ["poll"], { now, leaseMs: MINUTE }));

      assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + MINUTE - 1 }), []);
      assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + MINUTE }), ["a1"]);
      await grantNow(store, "a1", { now: now + MINUTE });
      assert.deepEqual(await take(store, ["poll"], { now: now + HOUR }), []);
    },
  ),

  storeCase("hands a poll out from the instant on that it was given back for", async (store) => {
    await suspendOne(store);
    const now = T0 + MINUTE;
    const receipts = await takeReceipts(store, ["poll"], { now, leaseMs: HOUR });

    await store.release(receipts, now + SECOND);

    assert.deepEqual(await takeAttemptIds(store, "poll", { now }), []);
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + SECOND }), ["a1"]);
  }),

  storeCase("makes a poll due by its new instant after another suspension", async (store) => {
    await suspendOne(store);
    const now = T0 + MINUTE;
    await take(store, ["poll"], { now, leaseMs: HOUR });
    const grant = await grantNow(store, "a1", { now });

    await store.suspend(grant, { progress: {}, dueAt: now + SECOND, now });

    assert.deepEqual(await takeAttemptIds(store, "poll", { now: now + SECOND }), ["a1"]);
  }),

  storeCase("renews a lease, also an expired one without a new owner", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1", { leaseMs: MINUTE });

    const inTime = await store.renew(grant, { leaseMs: MINUTE, now: T0 + 30 * SECOND, message: "half" });
    const late = await store.renew(grant, { leaseMs: MINUTE, now: T0 + 10 * MINUTE });

    assert.deepEqual([inTime, late], [{ kind: "renewed" }, { kind: "renewed" }]);
    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.leaseUntil, view?.progressMessage], [T0 + 11 * MINUTE, "half"]);
    assert.equal((await store.claim(aClaim("a1", { owner: "w2", now: T0 + 10 * MINUTE }))).kind, "held");
  }),

  storeCase("settles and suspends under an expired lease without a new owner", async (store) => {
    await dispatchNow(store, ["a1", "a2"]);
    const one = await grantNow(store, "a1");
    const two = await grantNow(store, "a2");
    const now = T0 + 10 * MINUTE;

    assert.equal(await store.settle(one, aSettle("a1", { now })), "settled");
    assert.equal(await store.suspend(two, { progress: {}, dueAt: now, now }), "suspended");
  }),

  storeCase("hands the message of an attempt out again when its owner is gone", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1", { leaseMs: MINUTE });
    await store.renew(grant, { leaseMs: MINUTE, now: T0 + 30 * SECOND });
    const over = T0 + 90 * SECOND;

    assert.deepEqual(await take(store, ["lapsedLease"], { now: over - 1 }), []);
    const [item] = await take(store, ["lapsedLease"], { now: over, leaseMs: MINUTE });

    const lapsed = expectKind(item, "lapsedLease");
    assert.deepEqual([lapsed.message.dispatch.id, lapsed.dueAt], ["a1", over]);
    assert.deepEqual(await take(store, ["lapsedLease"], { now: over + MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now: over + MINUTE }), ["a1"]);
  }),

  storeCase("grants an attempt whose lease ends later than any lease can, because a clock was ahead", async (store) => {
    await dispatchNow(store, ["a1", "a3"]);
    await dispatchNow(store, ["a2"], { stackId: "s2" });
    await grantNow(store, "a1", { owner: "dead", now: T0 + DAY });
    await grantNow(store, "a2", { owner: "dead", now: T0 + DAY });
    await grantNow(store, "a3", { owner: "alive", leaseMs: HOUR, now: T0 + 3 * MINUTE });

    assert.equal((await store.claim(aClaim("a1", { owner: "w2" }))).kind, "granted");
    assert.equal((await store.claim(aClaim("a1", { owner: "w3" }))).kind, "held");
    assert.equal((await store.claim(aClaim("a3", { owner: "w2" }))).kind, "held");
    await store.correctAttempts(T0);
    assert.deepEqual(await takeAttemptIds(store, "lapsedLease"), ["a2"]);
    assert.equal((await store.claim(aClaim("a2", { owner: "w2" }))).kind, "granted");
  }),

  storeCase("lets an attempt wait again from now on where a clock that was ahead has begun it", async (store) => {
    const ahead = T0 + 30 * DAY;
    await dispatchNow(store, ["right"]);
    await dispatchNow(store, ["wrong"], { stackId: "s2" });
    const right = await grantNow(store, "right", { now: T0 });
    const wrong = await grantNow(store, "wrong", { now: ahead });
    await store.suspend(right, { progress: {}, dueAt: T0 + 20 * MINUTE, now: T0 });
    await store.suspend(wrong, { progress: {}, dueAt: ahead + 10 * MINUTE, now: ahead });

    assert.deepEqual(await takeAttemptIds(store, "deadline"), []);
    const ends = { was: ahead + HOUR, is: T0 + HOUR };
    assert.deepEqual(await store.correctAttempts(T0), [{ stackId: "s2", attemptId: "wrong", ends }]);
    assert.deepEqual(await store.correctAttempts(T0), []);

    const views = await Promise.all(["right", "wrong"].map((id) => store.findAttempt(id)));
    assert.deepEqual(
      views.map((view) => [view?.deadlineAt, view?.pollDueAt]),
      [
        [T0 + HOUR, T0 + 20 * MINUTE],
        [T0 + HOUR, T0 + 10 * MINUTE],
      ],
    );
    assert.deepEqual(await takeAttemptIds(store, "poll", { now: T0 + 10 * MINUTE }), ["wrong"]);
    assert.deepEqual((await takeAttemptIds(store, "deadline", { now: T0 + HOUR })).sort(), ["right", "wrong"]);
  }),

  storeCase("reports a corrected attempt once, also when other work of its stack was taken before", async (store) => {
    const ahead = T0 + 30 * DAY;
    await dispatchNow(store, ["wrong", "other"]);
    const wrong = await grantNow(store, "wrong", { now: ahead });
    await store.suspend(wrong, { progress: {}, dueAt: ahead + 10 * MINUTE, now: ahead });
    await grantNow(store, "other", { leaseMs: MINUTE, now: T0 });
    const now = T0 + MINUTE;

    assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now }), ["other"]);

    // A store that corrects it with the other work writes the line then, which the caller writes otherwise.
    const returned = await store.correctAttempts(now);
    const { items } = await store.queries.listHistory({ stackId: "s1" }, { limit: 10 });
    const written = items.filter(({ code }) => code === "CLOCK_CORRECTED");
    const ends = { was: ahead + HOUR, is: now + HOUR };
    assert.deepEqual(returned, written.length === 1 ? [] : [{ stackId: "s1", attemptId: "wrong", ends }]);
    assert.deepEqual((await store.findAttempt("wrong"))?.deadlineAt, ends.is);
    assert.deepEqual(await store.correctAttempts(now), []);
  }),

  storeCase("ends a cancel in its time where a clock that was ahead has begun it", async (store) => {
    const ahead = T0 + 30 * DAY;
    await dispatchNow(store, ["a1"], { timeoutMs: 4 * HOUR });
    const grant = await grantNow(store, "a1", { now: T0 });
    await store.suspend(grant, { progress: {}, dueAt: T0 + 2 * HOUR, now: T0 });
    await commitNow(store, aChange({ expectedVersion: 1, cancels: [aCancel("a1", { withinMs: MINUTE })], now: ahead }));

    assert.deepEqual(await takeAttemptIds(store, "deadline"), []);
    const ends = { was: ahead + MINUTE, is: T0 + MINUTE };
    assert.deepEqual(await store.correctAttempts(T0), [{ stackId: "s1", attemptId: "a1", ends }]);

    assert.deepEqual(await takeAttemptIds(store, "deadline", { now: T0 + MINUTE - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "deadline", { now: T0 + MINUTE }), ["a1"]);
  }),

  storeCase("has no lapsed lease of an attempt that was taken over, suspended or settled", async (store) => {
    await dispatchNow(store, ["taken", "suspended", "settled"]);
    await grantNow(store, "taken");
    const suspended = await grantNow(store, "suspended");
    const settled = await grantNow(store, "settled");
    const now = T0 + MINUTE;

    await grantNow(store, "taken", { owner: "w2", leaseMs: HOUR, now });
    await store.suspend(suspended, { progress: {}, dueAt: T0 + HOUR, now });
    await store.settle(settled, aSettle("settled", { now }));

    assert.deepEqual(await take(store, ["lapsedLease"], { now: now + MINUTE }), []);
  }),
];
