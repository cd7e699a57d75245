import assert from "node:assert/strict";
import type { Stack } from "../../machine/stack.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aClaim,
  aDispatch,
  aPut,
  commitNow,
  dispatchNow,
  grantNow,
  MINUTE,
  SECOND,
  T0,
} from "./store-builders.ts";
import { expectKind, storeCase } from "./store-case.ts";

const SECRETIVE: Partial<Stack> = {
  metadata: { password: "hunter22", url: "https://example.org" },
  secretVersions: { password: 3 },
  keptSecrets: { "password#2": "hunter21" },
};

async function dispatchWith(store: Store, secrets: readonly string[], stack: Partial<Stack> = SECRETIVE) {
  await commitNow(store, aPut(stack, { dispatches: [aDispatch("a1", { secrets })] }));
}

async function claimSecrets(store: Store, now = T0) {
  return expectKind(await store.claim(aClaim("a1", { now })), "granted").secrets;
}

/** Sensitive values: they lie in the stack's record alone, and a granted claim reads them there. */
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

  storeCase("reads the record as it stands at the claim", async (store) => {
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

  storeCase("gives the secrets to each later grant too", async (store) => {
    await dispatchWith(store, ["password#3"]);
    const grant = await grantNow(store, "a1");
    await store.suspend(grant, { progress: {}, dueAt: T0 + MINUTE, now: T0 + SECOND });

    assert.deepEqual(await claimSecrets(store, T0 + MINUTE), { "password#3": "hunter22" });
    assert.deepEqual(await claimSecrets(store, T0 + 3 * MINUTE), { "password#3": "hunter22" });
  }),
];
