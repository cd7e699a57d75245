import type { Dispatch } from "../machine/decide/decision.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { Births, BornAttempt, Engine, FinishedAttempt } from "./engine.ts";
import type { StoreWorker } from "./worker.ts";

/** Places for tasks that run at the same time in one process. */
export interface Slots {
  /** Takes up to so many places, and returns how many were free. */
  take(most: number): number;
  /** Takes one place as soon as it is free; false: the wait was aborted. Who waits comes before who asks. */
  takeNext(signal: AbortSignal): Promise<boolean>;
  /** Default: one. */
  release(count?: number): void;
  /** Adds a place for a while, because a task has ended and only its result is still to be written. */
  widen(): () => void;
}

/** Creates free places. */
export function createSlots(size: number): Slots {
  let free = size;
  const waiting: (() => void)[] = [];
  function release(count = 1): void {
    free += count;
    while (free > 0 && waiting.length > 0) waiting.shift()?.();
  }
  return {
    take(most) {
      const taken = Math.max(0, Math.min(most, free));
      free -= taken;
      return taken;
    },
    takeNext(signal) {
      return new Promise((resolve) => {
        const take = () => {
          signal.removeEventListener("abort", giveUp);
          free -= 1;
          resolve(true);
        };
        const giveUp = () => {
          const place = waiting.indexOf(take);
          if (place >= 0) waiting.splice(place, 1);
          resolve(false);
        };
        if (signal.aborted) giveUp();
        else if (free > 0) take();
        else {
          waiting.push(take);
          signal.addEventListener("abort", giveUp, { once: true });
        }
      });
    },
    release,
    widen() {
      release();
      return () => {
        free -= 1;
      };
    },
  };
}

/** What connects an engine and a worker of one process. */
export interface DirectPath {
  /** For the engine: attempts that this process takes as they begin. */
  readonly births: Births;
  /** For the worker: has a result decided and committed at once. `retry`: settle it, so that its event is queued. */
  readonly finish: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Takes no more attempts as they begin, and resolves when those that run have ended. */
  stop(): Promise<void>;
}

/** What a direct path is made of. */
export interface DirectPathInput {
  /** Called when both exist. */
  readonly parts: () => {
    readonly engine: Pick<Engine, "finish">;
    readonly worker: Pick<StoreWorker, "claimAtBirth" | "run">;
  };
  readonly slots: Slots;
  /** Results that one commit takes together, and commits that are under way at the same time. */
  readonly batchSize: number;
  readonly commitsAtATime: number;
}

/**
 * Connects the engine and the worker of one process. A result is decided by the commit that ends its attempt, and the next
 * attempt begins as claimed here when a place is free: neither goes through a queue. Results that end while commits are
 * under way share the next one.
 */
export function createDirectPath(input: DirectPathInput): DirectPath {
  const { parts, slots } = input;
  const running = new Set<Promise<void>>();
  const results = createGatherer<FinishedAttempt, DeliveryOutcome>({
    ...input,
    handle: (batch) => parts().engine.finish(batch),
  });
  let stopping = false;
  return {
    births: {
      reserve(dispatch: Dispatch) {
        if (stopping || slots.take(1) === 0) return undefined;
        const claim = parts().worker.claimAtBirth(dispatch);
        if (claim === undefined) slots.release();
        return claim;
      },
      run(born: BornAttempt) {
        const work = parts()
          .worker.run(born)
          .finally(() => {
            running.delete(work);
            slots.release();
          });
        running.add(work);
      },
      giveBack: () => slots.release(),
    },
    async finish(finished) {
      const narrow = slots.widen();
      try {
        return await results.add(finished);
      } finally {
        narrow();
      }
    },
    async stop() {
      stopping = true;
      while (running.size > 0) await Promise.all(running);
    },
  };
}

interface GathererInput<Item, Answer> {
  readonly batchSize: number;
  readonly commitsAtATime: number;
  /** Answers in the order of the items. */
  readonly handle: (batch: readonly Item[]) => Promise<readonly Answer[]>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Handles items in batches: while batches are under way, the next one gathers. */
function createGatherer<Item, Answer>({ batchSize, commitsAtATime, handle }: GathererInput<Item, Answer>) {
  const waiting: Waiting<Item, Answer>[] = [];
  let underWay = 0;

  async function work(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await handle(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay -= 1;
      flush();
    }
  }

  function flush(): void {
    while (underWay < commitsAtATime && waiting.length > 0) {
      underWay += 1;
      void work(waiting.splice(0, batchSize));
    }
  }

  return {
    add(item: Item): Promise<Answer> {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        // What ends in the same turn of the event loop goes together.
        queueMicrotask(flush);
      });
    },
  };
}
