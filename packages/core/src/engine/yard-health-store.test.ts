import { describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createStoreProbe } from "./yard-health.ts";

/** A probe of a memory store whose writes can be changed, with the number of writes so far. */
function createBench() {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const { records } = createMemoryStore();
  const bench = { clock, records, writes: 0, put: records.put };
  const put: typeof records.put = (input) => {
    bench.writes += 1;
    return bench.put(input);
  };
  const probe = createStoreProbe({ store: { records: { ...records, put } }, clock, ids: { next: () => "01A" } });
  return Object.assign(bench, { probe });
}

describe("createStoreProbe", () => {
  it("writes a record that expires", async () => {
    const { probe, records, clock } = createBench();

    await probe.check();

    expect(await records.get("health/01A", clock.now())).toMatchObject({ expiresAt: clock.now() + 60_000 });
    expect(await records.get("health/01A", clock.now() + 60_000)).toBeUndefined();
  });

  it("writes once a second at most, and again after its record has expired", async () => {
    const bench = createBench();

    await Promise.all([bench.probe.check(), bench.probe.check()]);
    await bench.clock.advance(999);
    await bench.probe.check();
    const first = bench.writes;
    await bench.clock.advance(1);
    await bench.probe.check();
    const second = bench.writes;
    await bench.clock.advance(3_600_000);
    await bench.probe.check();

    expect([first, second]).toEqual([1, 2]);
    expect(await bench.records.get("health/01A", bench.clock.now())).toBeDefined();
  });

  it("rejects with the error of a store that answers reads and takes no writes, and recovers", async () => {
    const bench = createBench();
    bench.put = () => Promise.reject(new StackyardError("STORE_UNAVAILABLE", "The disk is full."));

    await expect(bench.probe.check()).rejects.toThrow("The disk is full.");
    bench.put = bench.records.put;
    await bench.clock.advance(1_000);

    await expect(bench.probe.check()).resolves.toEqual({});
  });

  it("does not wait for a silent store for longer than 5 s, nor write to it again", async () => {
    const bench = createBench();
    let answer: () => void = () => {};
    bench.put = (input) =>
      new Promise((resolve) => {
        answer = () => resolve(bench.records.put(input));
      });
    const rejection = (check: Promise<unknown>) => check.catch((error: unknown) => error);

    const first = rejection(bench.probe.check());
    await bench.clock.advance(5_000);
    const later = rejection(bench.probe.check());
    const codes = [await first, await later].map((error) => (error as StackyardError).code);
    const writes = bench.writes;
    answer();
    await settlePromises();
    bench.put = bench.records.put;
    await bench.clock.advance(1_000);
    await bench.probe.check();

    expect([codes, writes, bench.writes]).toEqual([["STORE_UNAVAILABLE", "STORE_UNAVAILABLE"], 1, 2]);
  });

  it("names who holds rows locked, also of a store that is otherwise well", async () => {
    const { records } = createMemoryStore();
    const clock = createFakeClock(0);
    const check = (listLockHolders: () => Promise<readonly string[]>) =>
      createStoreProbe({ store: { records, listLockHolders }, clock, ids: { next: () => "01B" } }).check();

    expect(await check(async () => ["the session 12"])).toEqual({ blockedBy: ["the session 12"] });
    expect(await check(() => Promise.reject(new Error("denied")))).toEqual({});
  });
});
