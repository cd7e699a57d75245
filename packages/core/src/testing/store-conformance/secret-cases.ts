import assert from "node:assert/strict";
import type { Stack } from "../../machine/stack.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aClaim,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  commitNow,
  dispatchNow,
  expectKind,
  grantNow,
  loadOne,
  MINUTE,
  SECOND,
  storeCase,
  T0,
} from "./store-builders.ts";

const SECRETIVE: Partial<Stack> = {
  metadata: { password: "hunter22", url: "https://example.org" },
  secretVersions: { password: 3 },
  keptSecrets: { "password#2": "hunter21" },
};

const ID = "s1/created/1/plan/1";

async function dispatchWith(store: Store, secrets: readonly string[], stack: Partial<Stack> = SECRETIVE) {
  await commitNow(store, aPut(stack, { dispatches: [aDispatch(ID, { secrets })] }));
}

async function claimSecrets(store: Store, now = T0) {
  return expectKind(await store.claim(aClaim(ID, { now })), "granted").secrets;
}

/** Sensitive values: only the stack's record contains them, and a granted claim reads them there. */
export const secretCases: readonly ConformanceCase<Store>[] = [
  storeCase("gives a granted claim the values behind its references, present and kept ones", async (store) => {
    await dispatchWith(store, ["password#3", "password#2"]);

    assert.deepEqual(await claimSecrets(store), { "password#3": "hunter22", "password#2": "hunter21" });
  }),

  storeCase("gives no secrets to an attempt that was dispatched with none", async (store) => {
    await dispatchNow(store, ["a1"]);

    assert.equal("secrets" in expectKind(await store.claim(aClaim("a1")), "granted"), false);
  }),

  storeCase("leaves out a reference whose value is gone", async (store) => {
    await dispatchWith(store, ["password#3", "password#1", "url#1"]);

    assert.deepEqual(await claimSecrets(store), { "password#3": "hunter22" });
  }),

  storeCase("reads the present record at the claim", async (store) => {
    await dispatchWith(store, ["password#3"]);
    const changed = { password: "hunter23" };
    const kept = { "password#3": "hunter22" };
    await commitNow(store, aPut({ metadata: changed, secretVersions: { password: 4 }, keptSecrets: kept }));

    assert.deepEqual(await claimSecrets(store), { "password#3": "hunter22" });
  }),

  storeCase("gives the secrets of a removed stack no more", async (store) => {
    await dispatchWith(store, ["password#3"]);
    await commitNow(store, aChange({ write: { kind: "remove" } }));

    assert.deepEqual(await claimSecrets(store), {});
  }),

  storeCase("gives an attempt none of the secrets of a later incarnation under the same id", async (store) => {
    await dispatchWith(store, ["password#3"]);
    await commitNow(store, aChange({ write: { kind: "remove" } }));
    await commitNow(store, aPut({ ...SECRETIVE, metadata: { password: "correct horse" }, incarnation: "again" }));

    assert.deepEqual(await claimSecrets(store), {});
  }),

  storeCase("keeps with parked and dead letters which of their keys must not be shown", async (store) => {
    const park = [aParkedEvent("e1", { masked: ["password"] }), aParkedEvent("e2", { masked: "all" })];
    const deadLetters = [aDeadLetter("x1", { masked: "all" }), aDeadLetter("x2", { masked: ["password"] })];
    await commitNow(store, aPut({}, { park, deadLetters }));

    const { parked } = await loadOne(store);
    const { items } = await store.queries.listDeadLetters({}, { limit: 10 });

    assert.deepEqual(
      parked.map(({ masked }) => masked),
      [["password"], "all"],
    );
    assert.deepEqual(
      items.map(({ masked }) => masked),
      [["password"], "all"],
    );
  }),

  storeCase("keeps everything in a line of the history", async (store) => {
    const line = aHistoryEntry("e1", {
      metadata: { password: { $secret: "password#3" } },
      outputs: { host: "h", key: "***" },
      set: { sha: "9f1c", password: "***" },
      unfinished: ["up"],
      retryable: false,
      dispatchId: "a1",
      timer: "1/after/0",
      confirmed: true,
    });
    await commitNow(store, aPut({}, { history: [line] }));

    const { items } = await store.queries.listHistory({ stackId: "s1" }, { limit: 1 });

    assert.deepEqual(
      items.map(({ position: _, ...rest }) => rest),
      [line],
    );
  }),

  storeCase("gives the secrets to each later grant too", async (store) => {
    await dispatchWith(store, ["password#3"]);
    const grant = await grantNow(store, ID);
    await store.suspend(grant, { progress: {}, dueAt: T0 + MINUTE, now: T0 + SECOND });

    assert.deepEqual(await claimSecrets(store, T0 + MINUTE), { "password#3": "hunter22" });
    assert.deepEqual(await claimSecrets(store, T0 + 3 * MINUTE), { "password#3": "hunter22" });
  }),
];
