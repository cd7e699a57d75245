import { describe, expect, it } from "vitest";
import { createSkippingClock } from "./skipping-clock.ts";

const HOUR_MS = 3_600_000;

describe("a clock that skips", () => {
  it("wakes sleepers in the order of their instants, hours later and at once", async () => {
    const clock = createSkippingClock();
    const start = clock.now();
    const woken: string[] = [];
    const sleep = async (name: string, hours: number) => {
      await clock.sleep(hours * HOUR_MS);
      woken.push(`${name} ${Math.floor((clock.now() - start) / HOUR_MS)}`);
    };

    await Promise.all([sleep("late", 3), sleep("early", 1), sleep("middle", 2)]);

    expect(woken).toEqual(["early 1", "middle 2", "late 3"]);
  });

  it("skips nothing while something works", async () => {
    const clock = createSkippingClock();
    const start = clock.now();
    let isAwake = false;
    const slept = clock.sleep(HOUR_MS).then(() => {
      isAwake = true;
    });

    const seen = await clock.whileWorking(async () => {
      for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return { isAwake, isSameHour: clock.now() - start < HOUR_MS };
    });
    await slept;

    expect(seen).toEqual({ isAwake: false, isSameHour: true });
    expect(clock.now() - start).toBeGreaterThanOrEqual(HOUR_MS);
  });

  it("skips on after work that failed", async () => {
    const clock = createSkippingClock();
    const slept = clock.sleep(HOUR_MS);

    await expect(clock.whileWorking(() => Promise.reject(new Error("killed")))).rejects.toThrow("killed");

    await slept;
  });

  it("lets time pass while something works, as the system's clock does", async () => {
    const clock = createSkippingClock();

    await clock.whileWorking(() => clock.sleep(2));
  });

  it("wakes a sleeper whose signal is aborted, without a skip", async () => {
    const clock = createSkippingClock();
    const controller = new AbortController();
    const start = clock.now();
    const slept = clock.sleep(HOUR_MS, controller.signal);

    controller.abort();
    await slept;
    await clock.sleep(HOUR_MS, controller.signal);

    expect(clock.now() - start).toBeLessThan(HOUR_MS);
  });
});
