import { answerMessage, startMessage } from "./bench-machine.ts";
import { type StoreKind, withStore } from "./bench-store.ts";
import { createDrain, publish } from "./drain.ts";

/** How a store does with so many stacks in it. */
export interface TransitionsResult {
  readonly store: StoreKind;
  readonly stacks: number;
  /** Events handed to the engine at a time. */
  readonly batch: number;
  readonly transitions: number;
  readonly perSecond: number;
  readonly microsecondsEach: number;
  /** Resident memory when all is done, in MiB. */
  readonly residentMiB: number;
}

const PASSES = 3;

/**
 * Transitions a second: an event is consumed, stack and history are written, a run is closed and the next task is
 * dispatched, as one durable commit. The events wait in the queue already. The best of three passes counts.
 */
export function measureTransitions(input: {
  readonly store: StoreKind;
  readonly stacks: number;
  readonly batch: number;
  readonly transitions: number;
}): Promise<TransitionsResult> {
  return withStore(input.store, async (store) => {
    const drain = createDrain(store);
    const stackIds = Array.from({ length: input.stacks }, (_, index) => `stack-${index}`);
    await publish(store, stackIds.map(startMessage));
    await drain(256);
    let bestMs = Number.POSITIVE_INFINITY;
    let next = 0;
    for (let pass = 0; pass < PASSES; pass += 1) {
      // Spread over all stacks, so that a large store is touched everywhere.
      const step = Math.max(1, Math.floor(input.stacks / input.transitions));
      const subjects = Array.from({ length: input.transitions }, () => {
        next = (next + step) % input.stacks;
        return stackIds[next] ?? "";
      });
      await publish(store, subjects.map(answerMessage));
      const startedAt = performance.now();
      const worked = await drain(input.batch);
      const ms = performance.now() - startedAt;
      if (worked !== input.transitions) throw new Error(`${worked} of ${input.transitions} events were worked.`);
      bestMs = Math.min(bestMs, ms);
    }
    return {
      ...input,
      perSecond: Math.round((input.transitions / bestMs) * 1_000),
      microsecondsEach: Math.round((bestMs / input.transitions) * 1_000),
      residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    };
  });
}
