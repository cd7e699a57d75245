import { createFakeClock, type FakeClock, findProcess } from "@stackyard/core/testing";

/** Turns of the event loop after which all work counts as idle. */
const TURNS = 8;

/** Creates a clock that advances while everything sleeps, up to the earliest wake-up. */
export function createPassingClock(start: number): FakeClock {
  const clock = createFakeClock(start);
  let isPassing = false;
  let waiting = 0;

  async function pass(): Promise<void> {
    if (isPassing) return;
    isPassing = true;
    while (waiting > 0) {
      for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const next = clock.nextWakeAt();
      if (next !== undefined) await clock.advance(next - clock.now());
    }
    isPassing = false;
  }

  return {
    ...clock,
    sleep(ms, signal) {
      const slept = clock.sleep(ms, signal);
      // No one waits for a process that is frozen.
      if (findProcess()?.frozen() !== undefined) return slept;
      waiting += 1;
      void pass();
      return slept.finally(() => {
        waiting -= 1;
      });
    },
  };
}
