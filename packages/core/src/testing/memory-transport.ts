import { createMemoryQueue, type TakenRow } from "../in-process/queue.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import { toFrozen } from "../memory/memory-lists.ts";
import type { Clock } from "../ports/clock.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { ConsumeOptions, DeliveryOutcome, Subscription, Transport } from "../ports/transport.ts";

/** How a transport in memory behaves. */
export interface MemoryTransportOptions {
  readonly clock: Clock;
  /** Default: false, as on queues that runners without the store read too. */
  readonly everyRunnerClaims?: boolean;
  /** Default: 15 minutes, as SQS. */
  readonly maxDelayMs?: number;
  /** After an outcome `retry`. Default: 1 second. */
  readonly retryAfterMs?: number;
}

const FIFTEEN_MINUTES_MS = 15 * 60_000;
const SECOND_MS = 1_000;

/** A transport outside the store, like a queue service: it is independent of commits, and keeps order per stack. */
export function createMemoryTransport({
  clock,
  everyRunnerClaims = false,
  maxDelayMs = FIFTEEN_MINUTES_MS,
  retryAfterMs = SECOND_MS,
}: MemoryTransportOptions): Transport {
  const events = createMemoryTopic<QueuedEvent>("event", { clock, retryAfterMs });
  const tasks = createMemoryTopic<TaskMessage>("task", { clock, retryAfterMs });
  return {
    capabilities: { maxDelayMs, everyRunnerClaims, keepsOrder: true },
    async publish(published) {
      for (const event of published) events.send(toFrozen(event), { lane: event.stackId });
    },
    async sendTasks(messages, { delayMs = 0 } = {}) {
      for (const message of messages) tasks.send(toFrozen(message), { delayMs });
    },
    consumeEvents: (handler, options) =>
      events.consume(options, (rows) => handler(rows.map(({ value, deliveries }) => ({ event: value, deliveries })))),
    consumeTasks: (handler, options) =>
      tasks.consume({ ...options, batchSize: 1 }, (rows) =>
        Promise.all(
          rows.map(({ value, deliveries }) => handler({ attemptId: value.dispatch.id, message: value, deliveries })),
        ),
      ),
  };
}

interface MemoryTopic<Value> {
  send(value: Value, options: { readonly lane?: string; readonly delayMs?: number }): void;
  consume(
    options: ConsumeOptions,
    handle: (rows: readonly TakenRow<Value>[]) => Promise<readonly DeliveryOutcome[]>,
  ): Subscription;
}

function createMemoryTopic<Value>(
  name: string,
  { clock, retryAfterMs }: { readonly clock: Clock; readonly retryAfterMs: number },
): MemoryTopic<Value> {
  const queue = createMemoryQueue<Value>(name);
  const pumps = new Set<() => void>();
  let takes = 0;

  function takeBatch(limit: number): TakenRow<Value>[] {
    takes += 1;
    // A consumer in this process lives as long as the queue: what it has is out until it answers.
    const take = { number: takes, now: clock.now(), leaseMs: Number.POSITIVE_INFINITY };
    const rows: TakenRow<Value>[] = [];
    for (
      let row = queue.takeOne(take);
      row !== undefined;
      row = rows.length < limit ? queue.takeOne(take) : undefined
    ) {
      rows.push(row);
    }
    return rows;
  }

  function settle(rows: readonly TakenRow<Value>[], outcomes: readonly DeliveryOutcome[]): void {
    for (const [index, { receipt }] of rows.entries()) {
      if (outcomes[index]?.kind === "done") queue.remove(receipt);
      else queue.giveBack(receipt, clock.now() + retryAfterMs);
    }
    for (const pump of pumps) pump();
  }

  return {
    send(value, { lane, delayMs = 0 }) {
      const dueAt = clock.now() + delayMs;
      queue.add(value, { dueAt, visibleAt: dueAt, ...(lane === undefined ? {} : { lane }) });
      for (const pump of pumps) queueMicrotask(pump);
    },
    consume({ batchSize, concurrency }, handle) {
      const consumer = createPump(clock, {
        concurrency,
        take: () => takeBatch(batchSize),
        nextDueAt: queue.nextDueAt,
        // What throws is an infrastructure failure: all of the batch comes again.
        handle: async (rows) => settle(rows, await handle(rows).catch(() => [])),
      });
      pumps.add(consumer.pump);
      queueMicrotask(consumer.pump);
      return {
        stop() {
          pumps.delete(consumer.pump);
          return consumer.stop();
        },
      };
    },
  };
}

interface PumpInput<Row> {
  readonly concurrency: number;
  take(): readonly Row[];
  handle(rows: readonly Row[]): Promise<void>;
  nextDueAt(): number | undefined;
}

/** Takes while there is room; looks again when something ends, and when the next row is due. */
function createPump<Row>(clock: Clock, { concurrency, take, handle, nextDueAt }: PumpInput<Row>) {
  const working = new Set<Promise<void>>();
  const stopping = new AbortController();
  let sleeping = new AbortController();

  function pump(): void {
    while (!stopping.signal.aborted && working.size < concurrency) {
      const rows = take();
      if (rows.length === 0) {
        sleep();
        return;
      }
      const work = handle(rows).finally(() => {
        working.delete(work);
        pump();
      });
      working.add(work);
    }
  }

  function sleep(): void {
    sleeping.abort();
    sleeping = new AbortController();
    const { signal } = sleeping;
    const dueAt = nextDueAt();
    if (dueAt === undefined || dueAt === Number.POSITIVE_INFINITY) return;
    void clock.sleep(dueAt - clock.now(), signal).then(() => {
      if (!signal.aborted) pump();
    });
  }

  return {
    pump,
    async stop(): Promise<void> {
      stopping.abort();
      sleeping.abort();
      await Promise.all(working);
    },
  };
}
