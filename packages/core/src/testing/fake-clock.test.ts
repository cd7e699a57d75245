import { describe, expect, it } from "vitest";
import { countingIds, createFakeClock, createRandom } from "./fake-clock.ts";

describe("createFakeClock", () => {
  it("wakes sleepers in the order of their instants, each at its own", async () => {
    const clock = createFakeClock(1_000);
    const woken: string[] = [];
    const sleepAndNote = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name} at ${clock.now()}`);
    };
    void sleepAndNote("late", 30);
    void sleepAndNote("early", 10);
    void sleepAndNote("never", 31);

    await clock.advance(30);

    expect(woken).toEqual(["early at 1010", "late at 1030"]);
    expect(clock.now()).toBe(1_030);
    expect(clock.nextWakeAt()).toBe(1_031);
  });

  it("wakes those who go to sleep again within the same advance", async () => {
    const clock = createFakeClock(0);
    let ticks = 0;
    const tick = async () => {
      for (;;) {
        await clock.sleep(10);
        ticks += 1;
      }
    };
    void tick();

    await clock.advance(55);

    expect(ticks).toBe(5);
    expect(clock.now()).toBe(55);
  });

  it("wakes a sleeper at once when its signal is aborted, before or while it sleeps", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const asleep = clock.sleep(1_000, controller.signal);

    controller.abort();

    await asleep;
    await clock.sleep(1_000, controller.signal);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("wakes those of one instant in the order in which they fell asleep, without those whose signal was aborted", async () => {
    const clock = createFakeClock(0);
    const controller = new AbortController();
    const woken: number[] = [];
    const sleepers = Array.from({ length: 50 }, (_, number) =>
      clock.sleep(10, number % 3 === 0 ? controller.signal : undefined).then(() => woken.push(number)),
    );
    controller.abort();
    await Promise.all(sleepers.filter((_, number) => number % 3 === 0));
    woken.length = 0;

    await clock.advance(10);

    expect(woken).toEqual(sleepers.map((_, number) => number).filter((number) => number % 3 !== 0));
  });

  it("does not sleep for no time", async () => {
    await createFakeClock().sleep(0);
  });
});

describe("countingIds", () => {
  it("gives ids in order", () => {
    const ids = countingIds("e");

    expect([ids.next(), ids.next()]).toEqual(["e-000001", "e-000002"]);
  });
});

describe("createRandom", () => {
  it("repeats itself for the same seed only", () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed));

    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("stays in [0, 1) and spreads evenly", () => {
    const random = createRandom(7);
    const drawn = Array.from({ length: 10_000 }, () => random());

    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    expect(drawn.reduce((sum, n) => sum + n, 0) / drawn.length).toBeCloseTo(0.5, 1);
  });
});
