import { readFileSync } from "node:fs";
import { defined, type Store, silentLogger } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { createEngine, createStaticLocator, createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { answerMessage, createNoOp, loadBenchMachine, startMessage } from "./bench-machine.ts";
import { type StoreKind, withStore } from "./bench-store.ts";

/** How a store does with so many stacks in it. */
export interface TransitionsResult {
  readonly store: StoreKind;
  readonly stacks: number;
  /** Events handed to the engine at a time. */
  readonly batch: number;
  readonly transitions: number;
  /** Of this process, of user and system. */
  readonly cpuMicrosecondsEach: number;
  /** Given to the system for files, the log and the database; undefined where the system does not count them. */
  readonly writtenBytesEach: number | undefined;
  readonly perSecond: number;
  /** Resident memory when all is done, in MiB. */
  readonly residentMiB: number;
}

const PASSES = 3;

/**
 * Transitions a second: an event is consumed, stack and history are written, a run is closed and the next task is
 * dispatched, as one durable commit. The events wait in the queue already. The best of three passes counts, for each figure.
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
    await publishEvents(store, stackIds.map(startMessage));
    await drain(256);
    const passes: Pass[] = [];
    let next = 0;
    for (let pass = 0; pass < PASSES; pass += 1) {
      // Spread over all stacks, so that a large store is touched everywhere.
      const step = Math.max(1, Math.floor(input.stacks / input.transitions));
      const subjects = Array.from({ length: input.transitions }, () => {
        next = (next + step) % input.stacks;
        return stackIds[next] ?? "";
      });
      await publishEvents(store, subjects.map(answerMessage));
      const readSpent = startCount();
      const worked = await drain(input.batch);
      if (worked !== input.transitions) throw new Error(`${worked} of ${input.transitions} events were worked.`);
      passes.push(readSpent());
    }
    const least = (read: (pass: Pass) => number) => Math.min(...passes.map(read));
    const bytes = least(({ writtenBytes }) => writtenBytes) / input.transitions;
    return {
      ...input,
      cpuMicrosecondsEach: Math.round(least(({ cpuMicroseconds }) => cpuMicroseconds) / input.transitions),
      writtenBytesEach: Number.isNaN(bytes) ? undefined : Math.round(bytes),
      perSecond: Math.round((input.transitions / least(({ ms }) => ms)) * 1_000),
      residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    };
  });
}

/** What one pass took. */
interface Pass {
  readonly ms: number;
  readonly cpuMicroseconds: number;
  readonly writtenBytes: number;
}

/** Begins to count; the function that it returns ends it. */
function startCount(): () => Pass {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const bytes = readWrittenBytes();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const ms = performance.now() - startedAt;
    return { ms, cpuMicroseconds: user + system, writtenBytes: readWrittenBytes() - bytes };
  };
}

function readWrittenBytes(): number {
  try {
    return Number(/^wchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

const PUBLISH_BATCH = 500;
const LEASE_MS = 60_000;

const ids = createUlids();

/** Sends messages in batches, as a busy program would. */
export async function publishEvents(store: Store, messages: readonly object[], sender?: Sender): Promise<void> {
  const options = defined({ sender });
  for (let first = 0; first < messages.length; first += PUBLISH_BATCH) {
    await publishMessages({ store, clock: systemClock, ids }, messages.slice(first, first + PUBLISH_BATCH), options);
  }
}

/** Returns an engine without loops of its own, so that nothing else is measured. */
export function createDrain(store: Store): (batchSize: number) => Promise<number> {
  const executors = createNoOp();
  const engine = createEngine({
    store,
    locator: createStaticLocator([loadBenchMachine(executors)]),
    executors,
    clock: systemClock,
    ids,
    logger: silentLogger,
  });
  /** Works all events that wait, so many at a time; gives how many. */
  return async (batchSize) => {
    for (let worked = 0; ; ) {
      const now = systemClock.now();
      const items = await store.takeDue({ kinds: ["event"], now, limit: batchSize, leaseMs: LEASE_MS });
      if (items.length === 0) return worked;
      const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
      await engine.handle(
        events.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
      );
      worked += events.length;
    }
  };
}
