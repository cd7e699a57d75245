import type { Store } from "@stackyard/core";
import { silentLogger } from "@stackyard/core";
import { checkChain, createAuditSealer } from "@stackyard/core/access";
import { createLeases } from "@stackyard/core/engine";
import { aHistoryEntry, anAuditEntry, aPut, countingIds, createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commitNow, T0 } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** A process that seals when the lease of the one before is over. */
async function sealAll({ records }: Store, afterMs: number): Promise<void> {
  const clock = createFakeClock();
  await clock.advance(afterMs);
  const leases = createLeases(records, { clock });
  const sealer = createAuditSealer({ records, leases, clock, ids: countingIds(), logger: silentLogger, owner: "p1" });
  while ((await sealer.seal()) > 0);
}

async function listTexts({ records }: Store, prefix: string): Promise<readonly string[]> {
  const { items } = await records.list(prefix, { limit: 100, now: T0 });
  return items.map(({ value }) => String(value));
}

it("seals an entry once that a second process relays again after it was sealed", async () => {
  const table = tables.newTable();
  const first = await tables.open({ table });
  const second = await tables.open({ table });
  await commitNow(first, aPut({}, { history: [aHistoryEntry("e1")], audit: [anAuditEntry("01A")] }));
  await sealAll(first, 0);

  // The item still holds what the first process has relayed, and a process that does not know that does it again.
  await commitNow(second, aPut({}, { history: [aHistoryEntry("e2")], audit: [anAuditEntry("01B")] }));
  await commitNow(first, aPut({}, { history: [aHistoryEntry("e3")] }));
  await sealAll(second, 60_000);

  const lines = await listTexts(first, "audit/log/");
  const check = checkChain(undefined, Number.MAX_SAFE_INTEGER);
  for (const line of lines) check.add(line);
  expect(check.end()).toMatchObject({ kind: "whole", lines: 2 });
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(["01A", "01B"]);
  expect(await listTexts(first, "audit/pending/")).toEqual([]);
});
