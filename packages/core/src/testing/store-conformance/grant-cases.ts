import assert from "node:assert/strict";
import type { Grant } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aClaim,
  aPut,
  aSettle,
  commitNow,
  dispatchNow,
  expectKind,
  grantNow,
  loadOne,
  MINUTE,
  storeCase,
  T0,
} from "./store-builders.ts";

/** Whose grant counts, and how many grants of an attempt may lapse. */
export const grantCases: readonly ConformanceCase<Store>[] = [
  // Reported: faktory#99, activepieces#15130: a job that ends its process is started without an end.
  storeCase("reports that its workers are lost after three grants that have lapsed without a step", async (store) => {
    await dispatchNow(store, ["a1"]);

    const answers = await lapse(store, "a1", { times: 5, from: T0 });

    assert.deepEqual(answers, [undefined, undefined, undefined, true, true]);
  }),

  storeCase("counts again after a step", async (store) => {
    await dispatchNow(store, ["a1"]);
    await lapse(store, "a1", { times: 3, from: T0 });
    const now = T0 + 3 * MINUTE;
    const claim = expectKind(await store.claim(aClaim("a1", { owner: "w9", now })), "granted");
    await store.suspend(claim.grant, { progress: {}, dueAt: now, now });

    const answers = await lapse(store, "a1", { times: 4, from: now });

    assert.deepEqual(answers, [undefined, undefined, undefined, true]);
  }),

  storeCase("does not count the grants of polls", async (store) => {
    await dispatchNow(store, ["a1"]);
    for (let turn = 0; turn < 5; turn += 1) {
      const claim = expectKind(await store.claim(aClaim("a1")), "granted");
      assert.equal(claim.workersLost, undefined);
      await store.suspend(claim.grant, { progress: {}, dueAt: T0, now: T0 });
    }
  }),

  // A database that was set back to an earlier time gives numbers a second time. Reported: patroni/patroni#1894,
  // camunda/camunda#61182.
  storeCase("knows a grant by its owner too, not by its number alone", async (store) => {
    await dispatchNow(store, ["a1"]);
    const grant = await grantNow(store, "a1", { owner: "w1" });
    const other: Grant = { ...grant, owner: "w2" };

    assert.deepEqual(await store.renew(other, { leaseMs: MINUTE, now: T0 }), { kind: "lost" });
    assert.equal(await store.suspend(other, { progress: {}, dueAt: T0, now: T0 }), "lost");
    assert.equal(await store.settle(other, aSettle("a1")), "lost");
    const results = [{ grant: other, outcome: "succeeded" as const }];
    const { version: expectedVersion } = await loadOne(store);
    const committed = await store.commit([aPut({}, { expectedVersion, results })]);

    assert.deepEqual(committed, [{ kind: "lost", attemptIds: ["a1"] }]);
    assert.deepEqual(await store.renew(grant, { leaseMs: MINUTE, now: T0 }), { kind: "renewed" });
    await commitNow(store, aPut({}, { expectedVersion, results: [{ grant, outcome: "succeeded" as const }] }));
    assert.equal((await store.findAttempt("a1"))?.outcome, "succeeded");
  }),
];

/** Claims an attempt again and again, each time when the lease of the last grant has just lapsed. */
async function lapse(
  store: Store,
  attemptId: string,
  { times, from }: { readonly times: number; readonly from: number },
): Promise<readonly (true | undefined)[]> {
  const answers: (true | undefined)[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const claim = await store.claim(aClaim(attemptId, { owner: `w${turn}`, now: from + turn * MINUTE }));
    answers.push(expectKind(claim, "granted").workersLost);
  }
  return answers;
}
