import type { Random } from "@stackyard/core";

/** Lets several pieces of work go on one at a time, in an order that the seed decides at each of their awaits. */
export interface Scheduler {
  /** Waits for its turn. */
  turn(): Promise<void>;
  /** Until all work has ended. `between` is called before each turn. */
  run(work: readonly Promise<unknown>[], between?: () => void): Promise<void>;
}

/** Makes one. `settle`: until everything waits that goes on without a turn. Default: for work of promises alone. */
export function createScheduler(random: Random, settle: () => Promise<void> = letSettle): Scheduler {
  const waiting: (() => void)[] = [];
  return {
    turn: () => new Promise((resolve) => waiting.push(resolve)),
    async run(work, between = () => undefined) {
      let open = work.length;
      // Whoever went on last stands last: some runs let one go far ahead, others change at each step.
      const stickiness = random();
      for (const each of work) void each.finally(() => (open -= 1));
      while (open > 0) {
        await settle();
        const place = random() < stickiness ? waiting.length - 1 : Math.floor(random() * waiting.length);
        const [next] = waiting.splice(Math.max(place, 0), 1);
        between();
        next?.();
      }
      await Promise.all(work);
    },
  };
}

/** Promises that wait for nothing but promises go on; far faster than a timer's turn. */
async function letSettle(): Promise<void> {
  for (let rounds = 0; rounds < 12; rounds += 1) await Promise.resolve();
}
