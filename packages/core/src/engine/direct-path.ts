import type { Dispatch } from "../machine/decide/decision.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { Births, BornAttempt, FinishedAttempt } from "./births.ts";
import type { Engine } from "./engine.ts";
import { createGatherer } from "./gatherer.ts";
import type { Slots } from "./slots.ts";
import type { StoreWorker } from "./workers/worker.ts";

/** The connection of an engine and a worker in one process. */
export interface DirectPath {
  /** For the engine: claims attempts for this process when they begin. */
  readonly births: Births;
  /** Decides and commits a result of the worker at once. `retry`: the worker must settle it, which queues its event. */
  readonly finish: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Stops claiming attempts when they begin, and resolves when the running ones have ended. */
  stop(): Promise<void>;
}

/** The input of a direct path. */
interface DirectPathInput {
  /** Returns engine and worker. Called when both exist. */
  readonly parts: () => {
    readonly engine: Pick<Engine, "finish">;
    readonly worker: Pick<StoreWorker, "claimAtBirth" | "run">;
  };
  readonly slots: Slots;
  /** The number of results per commit, and of commits at the same time. */
  readonly batchSize: number;
  readonly commitsAtATime: number;
}

/**
 * Connects the engine and the worker of one process. The commit that ends an attempt also applies its result, and
 * claims the next attempt for this process if a slot is free, so neither passes through a queue. Results that arrive
 * during a commit share the next one.
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
        if (stopping || !slots.takeForBirth(dispatch.stackId)) return undefined;
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
      endKeeping: (stackIds) => slots.endKeeping(stackIds),
      giveBack: () => slots.release(),
    },
    async finish(finished) {
      const narrow = slots.widen(finished.stackId);
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
