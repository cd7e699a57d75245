import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids, publishMessages, startYard, systemClock } from "@stackyard/core/engine";
import { createNoOp, loadBenchMachine, onceMessage } from "./bench-machine.ts";
import { type StoreKind, withStore } from "./bench-store.ts";
import { quantile } from "./side-by-side/statistics.ts";

/** From a program's call to the start of the task. */
export interface LatencyResult {
  readonly store: StoreKind;
  /** Events a second, of which each starts one task. */
  readonly rate: number;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The yard that is measured. */
interface YardLoad {
  readonly store: StoreKind;
  /** Stacks that it has before. */
  readonly filled: number;
}

const TICK_MS = 10;
const DRAIN_LIMIT_MS = 60_000;
const CONCURRENCY = 16;

/**
 * Measures the events per second that a whole yard processes when all of them wait: decided, their one task run, its
 * result decided. The yard has `filled` stacks before.
 */
export function measureYardRate({ store, events, filled }: YardLoad & { readonly events: number }): Promise<number> {
  return withYard(store, async ({ send, countStarts }) => {
    await send(0, filled);
    await untilStarted(countStarts, filled);
    const startedAt = performance.now();
    await send(filled, events);
    await untilStarted(countStarts, filled + events);
    return Math.round((events / (performance.now() - startedAt)) * 1_000);
  });
}

/** Measures events at an even rate; each begins a stack and starts a task in a whole yard. */
export function measureLatency({
  store,
  rate,
  seconds,
  filled,
}: YardLoad & { readonly rate: number; readonly seconds: number }): Promise<LatencyResult> {
  return withYard(store, async ({ send, countStarts, waits }) => {
    await send(0, filled);
    await untilStarted(countStarts, filled);
    const events = Math.round(rate * seconds);
    await sendEvenly(events, rate, (first, count) => send(filled + first, count));
    await untilStarted(countStarts, filled + events);
    const toMs = (share: number) => Math.round(quantile(waits().slice(filled), share) * 10) / 10;
    return { store, rate, events, p50Ms: toMs(0.5), p99Ms: toMs(0.99) };
  });
}

/** A yard at work, and what is known of the tasks that it started. */
interface MeasuredYard {
  /** Sends so many events in one call, each for a new stack; the first has this number. */
  readonly send: (first: number, count: number) => Promise<void>;
  readonly countStarts: () => number;
  /** Returns the times from each event's call to the start of its task, in milliseconds. */
  readonly waits: () => number[];
}

function withYard<Result>(kind: StoreKind, measure: (yard: MeasuredYard) => Promise<Result>): Promise<Result> {
  return withStore(kind, async (store) => {
    const sentAt = new Map<string, number>();
    const waits: number[] = [];
    const executors = createNoOp((stackId) => {
      waits.push(performance.now() - (sentAt.get(stackId) ?? Number.NaN));
    });
    const ids = createUlids();
    const deps = { store, clock: systemClock, ids, logger: silentLogger, executors };
    const locator = createStaticLocator([loadBenchMachine(executors)]);
    const yard = startYard({ ...deps, locator }, { concurrency: CONCURRENCY });
    try {
      return await measure({
        countStarts: () => waits.length,
        waits: () => waits,
        async send(first, count) {
          const stackIds = Array.from({ length: count }, (_, index) => `stack-${first + index}`);
          for (const stackId of stackIds) sentAt.set(stackId, performance.now());
          await publishMessages(deps, stackIds.map(onceMessage));
        },
      });
    } finally {
      await yard.stop();
    }
  });
}

async function untilStarted(countStarts: () => number, events: number): Promise<void> {
  const limitAt = Date.now() + DRAIN_LIMIT_MS;
  while (countStarts() < events && Date.now() < limitAt) await systemClock.sleep(TICK_MS);
  if (countStarts() < events) throw new Error(`Only ${countStarts()} of ${events} tasks started.`);
}

async function sendEvenly(
  events: number,
  rate: number,
  send: (first: number, count: number) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  for (let sent = 0; sent < events; ) {
    const due = Math.min(events, Math.floor(((performance.now() - startedAt) / 1_000) * rate));
    if (due > sent) await send(sent, due - sent);
    sent = Math.max(sent, due);
    await systemClock.sleep(1);
  }
}
