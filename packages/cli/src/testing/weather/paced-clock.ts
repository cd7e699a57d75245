import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";

/** Work that uses real files, in virtual time. */
interface Work {
  /** The timers that it waits for. */
  waiting: number;
  /** Returns true while its process is frozen. */
  readonly isFrozen: () => boolean;
}

/** A clock whose time passes only while all work waits for time, and none for a file. */
export interface PacedClock extends FakeClock {
  /** The same time for what keeps no work waiting, such as the freeze of its process. */
  readonly beside: FakeClock;
  /** Does work, whose timers are those of this clock. */
  run<Result>(isFrozen: () => boolean, work: () => Promise<Result>): Promise<Result>;
}

/** Creates a clock for programs that also read and write real files. */
export function createPacedClock(): PacedClock {
  const inner = createFakeClock();
  const current = new AsyncLocalStorage<Work>();
  const all = new Set<Work>();

  async function rest(): Promise<void> {
    while ([...all].some(({ waiting, isFrozen }) => waiting === 0 && !isFrozen())) await delay(0);
  }

  return {
    ...inner,
    beside: inner,
    async sleep(ms, signal) {
      const work = current.getStore();
      if (work === undefined) return inner.sleep(ms, signal);
      work.waiting += 1;
      await inner.sleep(ms, signal);
      work.waiting -= 1;
    },
    async advance(ms) {
      const end = inner.now() + ms;
      for (;;) {
        await rest();
        const next = inner.nextWakeAt();
        if (next === undefined || next > end) break;
        await inner.advance(Math.max(0, next - inner.now()));
      }
      await inner.advance(Math.max(0, end - inner.now()));
      await rest();
    },
    async run(isFrozen, work) {
      const entry: Work = { waiting: 0, isFrozen };
      all.add(entry);
      return current.run(entry, work).finally(() => all.delete(entry));
    },
  };
}
