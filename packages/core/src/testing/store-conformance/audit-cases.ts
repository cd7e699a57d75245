import assert from "node:assert/strict";
import { type AuditHead, checkChain, parseLine } from "../../access/audit-chain.ts";
import type { PendingEntry } from "../../access/audit-entry.ts";
import { createAuditSealer } from "../../access/audit-seal.ts";
import { createLeases } from "../../engine/built-in-ports.ts";
import { silentLogger } from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { createCrashingStore } from "../crashing-store.ts";
import {
  aChange,
  aDispatch,
  aHistoryEntry,
  anAuditEntry,
  aPut,
  aQueuedEvent,
  commitNow,
  commitOnPresent,
  dispatchNow,
  expectKind,
  grantNow,
  loadOne,
  MINUTE,
  storeCase,
  T0,
  take,
  takeReceipts,
} from "./store-builders.ts";

/** `Change.audit`: entries of the audit log that a commit adds. */
export const auditCases: readonly ConformanceCase<Store>[] = [
  storeCase("adds the audit entries of a change to its records", async (store) => {
    const reason = 'né "✓" \u0000 \u{1f98a}';
    const audit = [anAuditEntry("01A", { reason }), anAuditEntry("01B", { outcome: "denied", code: "NOT_ALLOWED" })];

    await commitNow(store, aPut({}, { appliedIds: ["e1"], history: [aHistoryEntry("e1")], audit }));
    await commitNow(store, aChange({ history: [aHistoryEntry("e2")], audit: [anAuditEntry("01C")] }));

    assert.deepEqual(await listPending(store), [...audit, anAuditEntry("01C")]);
  }),

  storeCase("adds audit entries with a refusal about an unknown stack, and with the removal of one", async (store) => {
    const refused = {
      stackId: "none",
      history: [aHistoryEntry("e1", { stackId: "none", outcome: "ignored" as const })],
    };
    await commitNow(store, aChange({ ...refused, audit: [anAuditEntry("01A")] }));
    await commitNow(store, aPut());

    await commitNow(store, aChange({ write: { kind: "remove" }, appliedIds: ["e2"], audit: [anAuditEntry("01B")] }));

    assert.deepEqual(await listPending(store), [anAuditEntry("01A"), anAuditEntry("01B")]);
  }),

  storeCase("adds no audit entry of a change that is not committed", async (store) => {
    const version = await commitNow(store, aPut({}, { appliedIds: ["e1"] }));
    await dispatchNow(store, ["a1"]);
    const grant = { ...(await grantNow(store, "a1")), token: 9 };
    const audit = [anAuditEntry("01A")];

    const [conflict] = await store.commit([aPut({}, { audit, expectedVersion: version })]);
    const duplicate = await commitOnPresent(store, aPut({}, { audit, appliedIds: ["e1"] }));
    const lost = await commitOnPresent(store, aPut({}, { audit, results: [{ grant, outcome: "succeeded" }] }));

    assert.deepEqual([conflict?.kind, duplicate.kind, lost.kind], ["conflict", "duplicate", "lost"]);
    assert.deepEqual(await listPending(store), []);
  }),

  storeCase("seals each entry of the audit log once, whichever call a process dies at", async (store) => {
    const clock = { at: T0 };
    const ids: string[] = [];
    for (const when of ["before", "after"] as const) {
      for (let dieAt = 1, died = true; died; dieAt += 1) {
        for (const relayed of [{}, { relayed: true }]) {
          const id = `01${String(ids.length).padStart(6, "0")}`;
          const value = { ...anAuditEntry(id), ...relayed };
          await store.records.put({ key: `audit/pending/${id}`, value, expected: "absent", now: clock.at });
          ids.push(id);
        }
        let calls = 0;
        const mortal = createCrashingStore(store, () => {
          calls += 1;
          return calls === dieAt ? when : undefined;
        });
        await sealAll(mortal.store, clock, `${when} ${dieAt}`).catch(() => undefined);
        died = mortal.isDead();
        clock.at += MINUTE;
        await sealAll(store, clock, `after ${when} ${dieAt}`);
        clock.at += MINUTE;
      }
    }

    const { items } = await store.records.list("audit/log/", { limit: 1_000, now: clock.at });
    const check = checkChain((await store.records.get("audit/head", clock.at))?.value as AuditHead, clock.at);
    for (const { value } of items) check.add(String(value));

    assert.equal(check.end().kind, "whole");
    assert.deepEqual(
      items.map(({ value }) => parseLine(value)?.id),
      ids,
    );
    assert.deepEqual(await listPending(store), []);
  }),

  storeCase("adds an audit entry with everything else that a change may do", async (store) => {
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a0")] }));
    await store.enqueue([aQueuedEvent("e1")]);
    const receipts = await takeReceipts(store, ["event"]);
    const dispatches = [aDispatch("a1", { attempt: 2 })];
    const claims = [{ attemptId: "a1", owner: "w1", leaseMs: 60_000 }];
    const change = aPut({}, { appliedIds: ["e1"], receipts, history: [aHistoryEntry("e1")], dispatches, claims });
    const { version } = await loadOne(store);

    const [result] = await store.commit([
      { ...change, endedAttempts: ["a0"], expectedVersion: version, audit: [anAuditEntry("01A")] },
      aPut({ id: "s2" }, { appliedIds: ["e1"], history: [aHistoryEntry("e1", { stackId: "s2" })] }),
    ]);

    assert.equal(expectKind(result, "committed").grants?.length, 1);
    assert.deepEqual(await listPending(store), [anAuditEntry("01A")]);
    assert.deepEqual(await take(store, ["event"], { now: T0 + 3_600_000 }), []);
  }),
];

/** Seals what waits, as a process that has just started. */
async function sealAll({ records }: Store, clock: { readonly at: number }, owner: string): Promise<void> {
  const now = () => clock.at;
  const leases = createLeases(records, { clock: { now, sleep: async () => undefined } });
  const deps = { records, leases, clock: { now }, ids: { next: () => owner }, logger: silentLogger, owner };
  const sealer = createAuditSealer(deps);
  while ((await sealer.seal()) > 0);
}

/** Entries that wait to be sealed, in order of their ids. */
async function listPending(store: Store): Promise<readonly unknown[]> {
  const { items } = await store.records.list("audit/pending/", { limit: 1_000, now: T0 });
  return items.map(({ key, value }) => {
    const { relayed: _, ...entry } = value as PendingEntry;
    assert.equal(key, `audit/pending/${entry.id}`);
    return entry;
  });
}
