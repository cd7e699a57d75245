import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aClaim,
  aDispatch,
  aPut,
  aSettle,
  commitNow,
  DAY,
  dispatchNow,
  grantNow,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  takeAttemptIds,
} from "./store-builders.ts";
import { expectKind, expectThere, storeCase } from "./store-case.ts";

/** The lease of one attempt: `claim` without keys. */
export const claimCases: readonly ConformanceCase<Store>[] = [
  storeCase("answers gone for an attempt that is not known", async (store) => {
    assert.deepEqual(await store.claim(aClaim("a1")), { kind: "gone" });
  }),

  storeCase("grants a dispatched attempt, with its deadline counted from now", async (store) => {
    await dispatchNow(store, ["a1"]);
    const now = T0 + 3 * HOUR;

    const claim = expectKind(await store.claim(aClaim("a1", { now, timeoutMs: 10 * MINUTE })), "granted");

    assert.equal(claim.deadlineAt, now + 10 * MINUTE);
    assert.equal(claim.again, false);
    assert.equal(claim.cancelling, undefined);
    assert.equal(claim.progress, undefined);
    assert.deepEqual([claim.grant.attemptId, claim.grant.owner], ["a1", "w1"]);
    assert.ok(claim.grant.token > 0);
  }),

  storeCase("counts the deadline by the dispatched time-out when the claim names none", async (store) => {
    await dispatchNow(store, ["a1"], { timeoutMs: 7 * MINUTE });
    const { timeoutMs: _, ...claim } = aClaim("a1", { now: T0 + SECOND });

    assert.equal(expectKind(await store.claim(claim), "granted").deadlineAt, T0 + SECOND + 7 * MINUTE);
  }),

  storeCase("answers held while the lease lives, to its owner too", async (store) => {
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
    await commitNow(store, aChange({ closes: ["closed"] }));

    assert.deepEqual(await store.claim(aClaim("settled", { now: T0 + DAY })), { kind: "gone" });
    assert.deepEqual(await store.claim(aClaim("closed", { now: T0 + DAY })), { kind: "gone" });
  }),

  storeCase("ends an attempt that one change dispatches and closes", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")], closes: ["a1"] }));

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
    await commitNow(store, aChange({ closes: ids }));

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
