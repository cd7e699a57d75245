import type { createMessageWorker } from "@stackyard/core/engine";
import { createWorker } from "@stackyard/core/engine";
import type { TaskWorker } from "./task-worker.ts";

type WorkerDeps = Parameters<typeof createWorker>[0];
type WorkerStore = WorkerDeps["store"];
type Limits = Parameters<ReturnType<typeof createMessageWorker>["handle"]>[1];

/** What is due later than this is left to the sweep, which sends its poll when it is due. */
const LONGEST_WAIT_MS = 30_000;
/** Polls end so long before the invocation does. */
const SPARE_MS = 60_000;
/** And after so long in any case: a place that waits works nothing else. */
const POLLING_MS = 300_000;

/** What a polling worker does besides. */
export interface PollingOptions extends NonNullable<Parameters<typeof createWorker>[1]> {
  /** When an attempt was settled. It does not throw. */
  readonly onSettled?: (attemptId: string) => Promise<void>;
}

/**
 * A worker over a store that polls work itself while it is soon due, so that a step of seconds does not wait for the sweep of
 * the next minute. Between two polls the attempt is suspended in the store: whoever is killed there loses nothing, and a
 * cancel reaches it.
 */
export function createPollingWorker(deps: WorkerDeps, options: PollingOptions = {}): TaskWorker {
  const { clock } = deps;
  const { onSettled = async () => {} } = options;
  const watched = watchEnds(deps.store);
  const worker = createWorker({ ...deps, store: watched.store }, options);
  const stopping = new AbortController();

  /** How long until the next poll of an attempt that was just worked; undefined: there is none for this call. */
  async function findWaitMs(attemptId: string, until: number): Promise<number | undefined> {
    const end = watched.take(attemptId);
    if (end === "settled") await onSettled(attemptId);
    if (typeof end !== "number" || end > until) return undefined;
    const waitMs = Math.max(0, end - clock.now());
    return waitMs > LONGEST_WAIT_MS ? undefined : waitMs;
  }

  return {
    running: worker.running,
    leave: worker.leave,
    async handle(delivery, limits: Limits = {}) {
      const { endsAt = Number.POSITIVE_INFINITY } = limits;
      const until = Math.min(clock.now() + POLLING_MS, endsAt - SPARE_MS);
      for (;;) {
        const outcome = await worker.handle(delivery, limits);
        const waitMs = await findWaitMs(delivery.attemptId, until);
        if (waitMs === undefined || stopping.signal.aborted) return outcome;
        await clock.sleep(waitMs, stopping.signal);
        if (stopping.signal.aborted) return outcome;
      }
    },
    abort() {
      stopping.abort("stopping");
      worker.abort();
    },
  };
}

/** How a step ended: settled, or suspended until that instant. */
type End = "settled" | number;

/** The store of a worker, and how each step over it ended. */
function watchEnds(store: WorkerStore) {
  const ends = new Map<string, End>();
  const watched: WorkerStore = {
    records: store.records,
    revisions: store.revisions,
    claim: (input) => store.claim(input),
    renew: (grant, input) => store.renew(grant, input),
    async settle(grant, input) {
      const answer = await store.settle(grant, input);
      if (answer === "settled") ends.set(grant.attemptId, "settled");
      return answer;
    },
    async suspend(grant, input) {
      const answer = await store.suspend(grant, input);
      if (answer === "suspended") ends.set(grant.attemptId, input.dueAt);
      return answer;
    },
  };
  return {
    store: watched,
    take(attemptId: string): End | undefined {
      const end = ends.get(attemptId);
      ends.delete(attemptId);
      return end;
    },
  };
}
