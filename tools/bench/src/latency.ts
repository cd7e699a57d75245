import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids, publishMessages, startYard, systemClock } from "@stackyard/core/engine";
import { createNoOp, loadBenchMachine, onceMessage } from "./bench-machine.ts";
import { type StoreKind, withStore } from "./bench-store.ts";

/** From a program's call to the start of the task. */
export interface LatencyResult {
  readonly store: StoreKind;
  /** Events a second, of which each starts one task. */
  readonly rate: number;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const TICK_MS = 10;
const DRAIN_LIMIT_MS = 30_000;

/** Events come at an even rate; each begins a stack and starts a task in a whole yard. */
export function measureLatency(input: {
  readonly store: StoreKind;
  readonly rate: number;
  readonly seconds: number;
}): Promise<LatencyResult> {
  return withStore(input.store, async (store) => {
    const sentAt = new Map<string, number>();
    const waits: number[] = [];
    const executors = createNoOp((stackId) => {
      waits.push(performance.now() - (sentAt.get(stackId) ?? Number.NaN));
    });
    const ids = createUlids();
    const deps = { store, clock: systemClock, ids, logger: silentLogger, executors };
    const yard = startYard({ ...deps, locator: createStaticLocator([loadBenchMachine(executors)]) });
    const events = input.rate * input.seconds;
    await sendEvenly(events, input.rate, async (first, count) => {
      const stackIds = Array.from({ length: count }, (_, index) => `latency-${first + index}`);
      for (const stackId of stackIds) sentAt.set(stackId, performance.now());
      await publishMessages(deps, stackIds.map(onceMessage));
    });
    const limitAt = Date.now() + DRAIN_LIMIT_MS;
    while (waits.length < events && Date.now() < limitAt) await systemClock.sleep(TICK_MS);
    await yard.stop();
    if (waits.length < events) throw new Error(`Only ${waits.length} of ${events} tasks started.`);
    waits.sort((a, b) => a - b);
    return { store: input.store, rate: input.rate, events, p50Ms: quantile(waits, 0.5), p99Ms: quantile(waits, 0.99) };
  });
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

function quantile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
