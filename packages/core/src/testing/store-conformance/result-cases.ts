import assert from "node:assert/strict";
import type { AppliedResult, Change, CommitResult } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aCancel,
  aClaim,
  aDispatch,
  aPut,
  aQueuedEvent,
  aSettle,
  commitOnPresent,
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
  takeAttemptIds,
  takeEventIds,
  takeReceipts,
} from "./store-builders.ts";

/** Results that a commit applies itself, and attempts that begin as granted. */
export const resultCases: readonly ConformanceCase<Store>[] = [
  storeCase("ends an attempt by the commit that applies its result, without an event", async (store) => {
    await dispatchNow(store, ["a1"]);
    const result = await aResult(store, "a1", { outcome: "failed", log: "Error: quota\n" });

    expectKind(await commitOn(store, { results: [result] }), "committed");

    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.outcome, view?.log], ["settled", "failed", "Error: quota\n"]);
    assert.deepEqual(await take(store, ["event"]), []);
    assert.deepEqual(await take(store, ["task", "poll", "deadline", "lapsedLease"], { now: T0 + 10 * DAY }), []);
    assert.equal((await store.queries.stats()).openAttempts, 0);
  }),

  storeCase("applies a result once, and nothing of a change whose grant no longer holds", async (store) => {
    await dispatchNow(store, ["a1", "a2"]);
    const late = await aResult(store, "a1");
    const other = await aResult(store, "a2");
    await grantNow(store, "a1", { now: T0 + HOUR });
    const change = { results: [late, other], dispatches: [aDispatch("a3")], appliedIds: ["e1"] };

    assert.deepEqual(await commitOn(store, change), { kind: "lost", attemptIds: ["a1"] });
    assert.equal(await store.findAttempt("a3"), undefined);
    assert.equal((await store.findAttempt("a2"))?.status, "running");

    expectKind(await commitOn(store, { results: [other], appliedIds: ["e1"] }), "committed");
    assert.deepEqual(await commitOn(store, { results: [other] }), { kind: "lost", attemptIds: ["a2"] });
  }),

  storeCase("lets no result overtake a queued event of its stack", async (store) => {
    await dispatchNow(store, ["a1"]);
    const result = await aResult(store, "a1");
    await store.enqueue([aQueuedEvent("e1"), aQueuedEvent("other", { stackId: "s2" })]);

    assert.deepEqual(await commitOn(store, { results: [result] }), { kind: "behind" });
    const [receipt = ""] = await takeReceipts(store, ["event"]);
    assert.deepEqual(await commitOn(store, { results: [result] }), { kind: "behind" });
    await store.release([receipt], T0 + DAY);
    assert.deepEqual(await commitOn(store, { results: [result] }), { kind: "behind" });

    assert.equal(await store.settle(result.grant, aSettle("a1")), "settled");
    // A store may order events of different stacks as it likes.
    const taken = await takeEventIds(store, { now: T0 + DAY });
    assert.deepEqual(taken.toSorted(), ["e1", "other", "result:a1"]);
    assert.ok(taken.indexOf("e1") < taken.indexOf("result:a1"));
  }),

  storeCase("applies a result together with the queued events before it", async (store) => {
    await dispatchNow(store, ["a1"]);
    const result = await aResult(store, "a1");
    await store.enqueue([aQueuedEvent("e1")]);
    const receipts = await takeReceipts(store, ["event"]);

    expectKind(await commitOn(store, { results: [result], receipts }), "committed");

    assert.equal((await store.findAttempt("a1"))?.status, "settled");
    assert.deepEqual(await take(store, ["event"], { now: T0 + DAY }), []);
  }),

  storeCase("begins an attempt as granted, without a message", async (store) => {
    const claims = [{ attemptId: "a1", owner: "w1", leaseMs: MINUTE }];
    const dispatches = [aDispatch("a1", { timeoutMs: HOUR }), aDispatch("a2")];

    const { grants = [] } = expectKind(await commitOn(store, { dispatches, claims }), "committed");

    const [grant] = grants;
    assert.ok(grant !== undefined && grants.length === 1);
    assert.deepEqual([grant.attemptId, grant.owner], ["a1", "w1"]);
    assert.deepEqual(await takeAttemptIds(store, "task"), ["a2"]);
    const view = await store.findAttempt("a1");
    assert.deepEqual([view?.status, view?.owner, view?.token], ["running", "w1", grant.token]);
    assert.deepEqual([view?.leaseUntil, view?.deadlineAt], [T0 + MINUTE, T0 + HOUR]);
    assert.equal((await store.renew(grant, { leaseMs: MINUTE, now: T0 + SECOND })).kind, "renewed");
    assert.equal(await store.settle(grant, aSettle("a1")), "settled");
  }),

  storeCase("hands an attempt that began as granted out again when its lease is over", async (store) => {
    const claims = [{ attemptId: "a1", owner: "w1", leaseMs: MINUTE }];
    const committed = await commitOn(store, { dispatches: [aDispatch("a1")], claims });
    const [first] = expectKind(committed, "committed").grants ?? [];
    const now = T0 + MINUTE;

    assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now: now - 1 }), []);
    assert.deepEqual(await takeAttemptIds(store, "lapsedLease", { now }), ["a1"]);
    const second = await grantNow(store, "a1", { owner: "w2", now });

    assert.ok(first !== undefined && second.token > first.token);
    assert.deepEqual(await commitOn(store, { results: [{ grant: first, outcome: "succeeded" }], now }), {
      kind: "lost",
      attemptIds: ["a1"],
    });
    assert.equal(await store.settle(second, aSettle("a1", { now })), "settled");
  }),

  storeCase("ends one attempt and begins the next as granted in one commit, over and over", async (store) => {
    const begin = (id: string) => ({
      dispatches: [aDispatch(id)],
      claims: [{ attemptId: id, owner: "w1", leaseMs: MINUTE }],
    });
    const tokens: number[] = [];
    let committed = expectKind(await commitOn(store, begin("a0")), "committed");
    for (let index = 1; index <= 5; index += 1) {
      const [grant] = committed.grants ?? [];
      assert.ok(grant !== undefined);
      tokens.push(grant.token);
      const results = [{ grant, outcome: "succeeded" } as const];
      committed = expectKind(await commitOn(store, { ...begin(`a${index}`), results }), "committed");
    }

    assert.equal(tokens.length, 5);
    assert.equal((await store.queries.stats()).openAttempts, 1);
    const listed = (await store.queries.listAttempts("s1")).map(({ attemptId, status }) => `${attemptId} ${status}`);
    assert.deepEqual(listed, ["a5 running", ...["a4", "a3", "a2", "a1", "a0"].map((id) => `${id} settled`)]);
    assert.equal((await store.findTaskMessage("a5"))?.dispatch.id, "a5");
  }),

  storeCase("passes on the keys of an attempt whose result a commit applies", async (store) => {
    await dispatchNow(store, ["a1", "a2"]);
    const exclusiveKeys = ["key:shared"];
    const grant = await grantNow(store, "a1", { exclusiveKeys });
    assert.equal((await store.claim(aClaim("a2", { owner: "w2", exclusiveKeys }))).kind, "queued");

    expectKind(await commitOn(store, { results: [{ grant, outcome: "succeeded" }] }), "committed");

    assert.deepEqual(await takeAttemptIds(store, "task", { now: T0 + SECOND }), ["a2"]);
  }),

  storeCase("cancels an attempt that began as granted through its owner", async (store) => {
    const claims = [{ attemptId: "a1", owner: "w1", leaseMs: MINUTE }];
    const committed = await commitOn(store, { dispatches: [aDispatch("a1")], claims });
    const [grant] = expectKind(committed, "committed").grants ?? [];

    await commitOn(store, { cancels: [aCancel("a1")] });

    assert.ok(grant !== undefined);
    assert.deepEqual(await store.renew(grant, { leaseMs: MINUTE, now: T0 }), {
      kind: "renewed",
      cancelling: "requested",
    });
  }),
];

async function aResult(store: Store, attemptId: string, result: Partial<AppliedResult> = {}): Promise<AppliedResult> {
  return { grant: await grantNow(store, attemptId), outcome: "succeeded", ...result };
}

/** Commits on the present version of the stack. */
function commitOn(store: Store, overrides: Partial<Change>): Promise<CommitResult> {
  return commitOnPresent(store, aPut({}, overrides));
}
