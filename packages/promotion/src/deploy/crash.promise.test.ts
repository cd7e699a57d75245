import { type Records, StackyardError, type Store } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { expect, it } from "vitest";
import type { CreateHolds } from "../hold.ts";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { playMortalRelease, WHOLE } from "../testing/play-mortal-release.ts";

/**
 * Every state of the store between two calls: a death before a call leaves what one after the last call leaves. Each third
 * call, and every one in long runs.
 */
const STEP = process.env["LONG_TESTS"] === "1" ? 1 : 3;

it("sends each event once and undoes it once, wherever a process dies", { timeout: 600_000 }, async () => {
  let call = 1;
  for (; ; call += STEP) {
    const { hasDied, ...played } = await playMortalRelease({ call, when: call % 2 === 0 ? "before" : "after" });
    expect(played, `call ${call}`).toEqual(WHOLE);
    if (!hasDied) break;
  }
  expect(call).toBeGreaterThan(150);
});

/** A store that loses one write of the first page of rows: that by which its rows become sent. */
function createLossy(): Store {
  const store = createMemoryStore();
  let writes = 0;
  const put: Records["put"] = async (input) => {
    if (input.key.endsWith("/rows/0")) writes += 1;
    if (writes === 2 && input.key.endsWith("/rows/0")) {
      throw new StackyardError("STORE_UNAVAILABLE", "The write was lost.");
    }
    return store.records.put(input);
  };
  return { ...store, records: { ...store.records, put } };
}

it("sends at once, under the same ids, what a call has written on some pages of rows only", {
  timeout: 120_000,
}, async () => {
  const bench = aReleaseYard({ store: createLossy(), config: { concurrency: 500 } });
  await bench.addTenants(450);
  await bench.start("1.42.0");
  const startedAt = bench.yard.clock.now();
  await bench.finish("1.42.0");

  const rows = await bench.rowsOf("1.42.0");
  expect(await bench.taskOf("1.42.0")).toBe("DONE");
  expect([...new Set(rows.map((row) => row.try))]).toEqual([1]);
  // Events are valid for two minutes.
  expect(bench.yard.clock.now() - startedAt).toBeLessThan(60_000);
});

it("finds what it was about to send also on a page that it reads later", { timeout: 600_000 }, async () => {
  const isHeld = ({ stackId }: { readonly stackId: string }) => Number(stackId.slice(1)) < 5;
  const createHolds: CreateHolds = () => ({
    examine: async (input) =>
      isHeld(input) ? { kind: "closed", code: "FROZEN", message: "Audit." } : { kind: "open" },
  });
  const store = createMemoryStore();
  let isLost = false;
  const put: Records["put"] = async (input) => {
    const sent = await store.records.get(input.key.replace("/state", "/rows/1"), input.now);
    const isAhead = input.key.endsWith("/state") && JSON.stringify(sent?.value ?? "").includes('"sent"');
    if (isAhead && !isLost) {
      isLost = true;
      throw new StackyardError("STORE_UNAVAILABLE", "The write was lost.");
    }
    return store.records.put(input);
  };
  const bench = aReleaseYard({ store: { ...store, records: { ...store.records, put } }, createHolds });
  await bench.addTenants(410);
  await bench.start("1.42.0");
  for (let turn = 0; turn < 200 && !isLost; turn += 1) await bench.yard.advance(2_000);
  for (let turn = 0; turn < 60; turn += 1) await bench.yard.advance(4_000);

  expect(isLost).toBe(true);
  const rows = await bench.rowsOf("1.42.0");
  expect(rows.filter((row) => row.try > 1)).toEqual([]);
});
