import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { leasesConformance } from "../testing/leases-conformance.ts";
import { createLeases, createUlids, systemClock } from "./built-in-ports.ts";

describe("the system's clock", () => {
  it("ends a sleep when its signal says so, and keeps no listener", async () => {
    const stop = new AbortController();
    let listeners = 0;
    const { signal } = stop;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        listeners += 1;
        add(...args);
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        listeners -= 1;
        remove(...args);
      },
    });

    const sleep = systemClock.sleep(60_000, signal);
    stop.abort();
    await sleep;
    await systemClock.sleep(60_000, signal);

    expect(listeners).toBe(0);
  });

  it("ends no sleep before its time", async () => {
    const slept = await Promise.all(
      Array.from({ length: 500 }, async (_, place) => {
        await systemClock.sleep(place % 50);
        const [begun, ms] = [systemClock.now(), 2 + (place % 7)];
        await systemClock.sleep(ms);
        return systemClock.now() - begun - ms;
      }),
    );

    expect(Math.min(...slept)).toBeGreaterThanOrEqual(0);
  });

  it("takes times that no timer can hold, and times that are over", async () => {
    const stop = new AbortController();
    const long = systemClock.sleep(Number.POSITIVE_INFINITY, stop.signal);
    await systemClock.sleep(-5);
    let over = false;
    void long.then(() => {
      over = true;
    });
    await systemClock.sleep(0);

    expect(over).toBe(false);
    stop.abort();
    await long;
  });
});

describe("ULIDs", () => {
  it("grow, also within one millisecond", () => {
    const ids = createUlids();
    const made = Array.from({ length: 1_000 }, () => ids.next());

    expect(made).toEqual([...made].sort());
    expect(new Set(made).size).toBe(1_000);
    expect(made[0]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });
});

describe("createLeases", () => {
  for (const c of leasesConformance) {
    it(c.name, () =>
      c.run(async () => {
        const clock = createFakeClock();
        return { clock, leases: createLeases(createMemoryRecords(), { clock }) };
      }),
    );
  }

  it("keeps leases under a prefix of their own, and takes a foreign value for a free lease", async () => {
    const clock = createFakeClock();
    const records = createMemoryRecords();
    await records.put({ key: "locks/a", value: "foreign", expected: "absent", now: clock.now() });
    const leases = createLeases(records, { clock, prefix: "locks/" });

    expect(await leases.find("a")).toBeUndefined();
    expect(await leases.acquire("a", "ada", 1_000)).toMatchObject({ kind: "acquired" });
    expect((await records.list("locks/", { limit: 10, now: clock.now() })).items).toHaveLength(1);
  });

  it("takes a lease that ends later than any can: its owner had a clock that was ahead [pg_cron#105]", async () => {
    const records = createMemoryRecords();
    const clock = createFakeClock();
    const ahead = { now: () => clock.now() + 86_400_000, sleep: clock.sleep };
    await createLeases(records, { clock: ahead }).acquire("a", "dead", 600_000);
    const leases = createLeases(records, { clock });

    expect(await leases.acquire("a", "ada", 600_000)).toMatchObject({ kind: "acquired" });
    expect(await leases.acquire("a", "eve", 600_000)).toMatchObject({ kind: "held", by: "ada" });
    expect(await leases.acquire("b", "eve", 7 * 86_400_000)).toMatchObject({ kind: "acquired" });
    expect(await leases.acquire("b", "ada", 7 * 86_400_000)).toMatchObject({ kind: "held", by: "eve" });
  });
});
