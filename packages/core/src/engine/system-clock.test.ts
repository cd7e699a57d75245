import { describe, expect, it } from "vitest";
import { createUlids, systemClock } from "./built-in-ports.ts";

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
