import { setImmediate } from "node:timers/promises";

/** Runs reads of each caller a few at a time, so that many reads of one caller do not hold up all others. */
export interface CallerLanes {
  /** Runs a read when it is its turn. */
  run<Result>(caller: string, read: () => Promise<Result>): Promise<Result>;
}

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/** Creates lanes with at most `atOnce` reads of one caller. */
export function createCallerLanes(atOnce: number): CallerLanes {
  const lanes = new Map<string, Lane>();

  function begin(caller: string): Promise<void> {
    const lane = lanes.get(caller) ?? { running: 0, waiting: [] };
    lanes.set(caller, lane);
    if (lane.running < atOnce) {
      lane.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => lane.waiting.push(resolve));
  }

  async function end(caller: string): Promise<void> {
    // Others come between: a read may hold the only thread.
    await setImmediate();
    const lane = lanes.get(caller);
    const next = lane?.waiting.shift();
    if (next !== undefined) return next();
    if (lane === undefined) return;
    lane.running -= 1;
    if (lane.running === 0) lanes.delete(caller);
  }

  return {
    async run(caller, read) {
      await begin(caller);
      try {
        return await read();
      } finally {
        void end(caller);
      }
    },
  };
}
