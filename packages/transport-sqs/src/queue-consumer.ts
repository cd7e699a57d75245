import { type Clock, isStackyardError, type Logger, MAX_BATCH_ENTRIES, type Subscription } from "@stackyard/core";
import { type IncomingMessage, MAX_VISIBILITY_MS } from "./messages.ts";
import type { FailedReceipt, HiddenReceipt, QueueReader } from "./queue-reader.ts";
import { type SettleDeps, type SettledMessage, type Settlement, settleMessages } from "./settlement.ts";

/** The input of a queue's consumer. */
export interface QueueConsumerInput<Value> extends Omit<MessageCallsInput<Value>, "keeper"> {
  readonly clock: Clock;
  readonly visibilityMs: number;
  /** The sleep after a receive that gave nothing, in milliseconds; 0 where the receive itself waits. */
  readonly idleMs: number;
  /** Reads a message, or returns its settlement. If it throws, the message is delivered again. */
  read(incoming: IncomingMessage): Promise<ReadMessage<Value> | Settlement>;
}

const AFTER_ERROR_MS = 5_000;

/** Receives messages, passes them to calls, and acknowledges them; messages in progress remain hidden from others. */
export function createQueueConsumer<Value>(input: QueueConsumerInput<Value>): Subscription {
  const { reader, clock, logger } = input;
  const { queueUrl } = reader;
  const stopping = new AbortController();
  const keeper = createVisibilityKeeper(input);
  const calls = createMessageCalls({ ...input, keeper });
  const loop = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const room = calls.room();
      if (room <= 0) await calls.waitForEnd();
      else await receive(Math.min(room, MAX_BATCH_ENTRIES));
    }
  }

  async function receive(maxMessages: number): Promise<void> {
    try {
      const messages = await reader.receive(maxMessages, stopping.signal);
      if (messages.length > 0) await accept(messages);
      else await clock.sleep(input.idleMs, stopping.signal);
    } catch (error) {
      logger.error("Messages could not be received; the receive is retried.", { error, queueUrl });
      await clock.sleep(AFTER_ERROR_MS, stopping.signal);
    }
  }

  async function accept(messages: readonly IncomingMessage[]): Promise<void> {
    for (const { receiptHandle } of messages) keeper.hold(receiptHandle);
    const read = await Promise.all(messages.map((incoming) => readOne(input, incoming)));
    calls.add(read.flatMap((message) => ("lane" in message ? [message] : [])));
    const unread = read.flatMap((message) => ("lane" in message ? [] : [message]));
    if (unread.length > 0) await settleMessages({ reader, keeper, logger }, unread);
  }

  return {
    async stop() {
      stopping.abort("stopping");
      await Promise.all([loop, calls.stop()]);
      // Messages that were received during the stop.
      await calls.stop();
    },
  };
}

async function readOne<Value>(
  { read, logger, reader, retryDelayMs }: QueueConsumerInput<Value>,
  incoming: IncomingMessage,
): Promise<ReadMessage<Value> | SettledMessage> {
  try {
    const message = await read(incoming);
    return "lane" in message ? message : { incoming, settlement: message };
  } catch (error) {
    const { messageId, deliveries } = incoming;
    const { queueUrl } = reader;
    logger.error("A message could not be read; it is delivered again.", { error, queueUrl, messageId });
    return { incoming, settlement: { kind: "return", afterMs: retryDelayMs(deliveries) } };
  }
}

/** A message that is understood. */
interface ReadMessage<Value> {
  readonly lane: string;
  readonly incoming: IncomingMessage;
  readonly value: Value;
}

/** The input of handing messages to calls. */
interface MessageCallsInput<Value> extends SettleDeps {
  readonly logger: Logger;
  readonly batchSize: number;
  readonly concurrency: number;
  /** Messages that may wait while all calls are under way. */
  readonly prefetch: number;
  /** True: what waits behind a message of its lane that goes back goes back too. */
  readonly ordered: boolean;
  /**
   * Handles the messages of one call. Returns settlements in the order of the messages. If it throws, all are delivered
   * again.
   */
  handle(messages: readonly ReadMessage<Value>[]): Promise<readonly Settlement[]>;
  /** Returns how long a delivery that failed remains hidden. */
  retryDelayMs(deliveries: number): number;
}

/** Calls under way and what waits for them. */
interface MessageCalls<Value> {
  add(messages: readonly ReadMessage<Value>[]): void;
  /** Returns how many more messages may be added. */
  room(): number;
  /** Resolves when a call ends, or `stop` is called. */
  waitForEnd(): Promise<void>;
  /** Stops starting calls, returns waiting messages to the queue, and resolves when running calls have ended. */
  stop(): Promise<void>;
}

/** Hands messages to calls, lane by lane, and settles them afterwards. */
function createMessageCalls<Value>(input: MessageCallsInput<Value>): MessageCalls<Value> {
  const { batchSize, concurrency, prefetch } = input;
  const lanes = createLanes<ReadMessage<Value>>();
  const calls = new Set<Promise<void>>();
  let stopping = false;
  let noteEnd = () => {};

  function start(): void {
    while (calls.size < concurrency && !stopping) {
      const messages = lanes.take(batchSize);
      if (messages === undefined) return;
      const ended = call(messages).finally(() => {
        calls.delete(ended);
        lanes.free(messages);
        start();
        noteEnd();
      });
      calls.add(ended);
    }
  }

  async function call(messages: readonly ReadMessage<Value>[]): Promise<void> {
    const settlements = await handleAll(input, messages);
    const settled = messages.map(({ incoming, lane }, index) => {
      // A message without a settlement was perhaps not processed.
      const afterMs = input.retryDelayMs(incoming.deliveries);
      return { incoming, lane, settlement: settlements[index] ?? { kind: "return" as const, afterMs } };
    });
    const returned = input.ordered ? findFirstReturns(settled) : new Map<string, Settlement>();
    // Messages behind one that goes back must not overtake it, whether they were in the call or wait.
    const aligned = settled.map(({ incoming, lane, settlement }): SettledMessage => {
      return { incoming, settlement: settlement.kind === "remove" ? settlement : (returned.get(lane) ?? settlement) };
    });
    const behind = [...returned].flatMap(([lane, settlement]) => {
      return lanes.drop(lane).map(({ incoming }) => ({ incoming, settlement }));
    });
    await settleMessages(input, [...aligned, ...behind]);
  }

  return {
    add(messages) {
      lanes.add(messages);
      start();
    },
    room: () => (concurrency - calls.size) * batchSize + prefetch - lanes.size,
    /**
     * Waits for the end of a call. Not a race of the calls: each race would leave a listener at the one that takes
     * hours.
     */
    waitForEnd: () =>
      new Promise((resolve) => {
        noteEnd = resolve;
        if (stopping) resolve();
      }),
    async stop() {
      stopping = true;
      noteEnd();
      const settlement = { kind: "return", afterMs: 0 } as const;
      const waiting = lanes.dropAll().map(({ incoming }) => ({ incoming, settlement }));
      await settleMessages(input, waiting);
      await Promise.all(calls);
    },
  };
}

/** Returns by lane the settlement of its first message that goes back. */
function findFirstReturns(
  settled: readonly { readonly lane: string; readonly settlement: Settlement }[],
): ReadonlyMap<string, Settlement> {
  const first = new Map<string, Settlement>();
  for (const { lane, settlement } of settled) {
    if (settlement.kind === "return" && !first.has(lane)) first.set(lane, settlement);
  }
  return first;
}

async function handleAll<Value>(
  { handle, logger, reader, retryDelayMs }: MessageCallsInput<Value>,
  messages: readonly ReadMessage<Value>[],
): Promise<readonly Settlement[]> {
  try {
    return await handle(messages);
  } catch (error) {
    logger.error("Messages could not be handled; they are delivered again.", { error, queueUrl: reader.queueUrl });
    return messages.map(({ incoming }) => ({ kind: "return", afterMs: retryDelayMs(incoming.deliveries) }));
  }
}

/** Something that waits in a lane: what has the same lane is worked in order, one call at a time. */
interface Laned {
  readonly lane: string;
}

/** The received messages that wait for a call. */
interface Lanes<Item extends Laned> {
  add(items: readonly Item[]): void;
  /** Items for one call, in order of arrival; their lanes are taken. Undefined: nothing is free. */
  take(maxItems: number): readonly Item[] | undefined;
  /** Frees the lanes of a call that has ended. */
  free(items: readonly Item[]): void;
  /** Removes and returns the messages that wait in a lane. */
  drop(lane: string): readonly Item[];
  /** Removes and returns all waiting messages. */
  dropAll(): readonly Item[];
  readonly size: number;
}

/** Keeps items in order; those of one lane are in at most one call, and there together as far as it has room. */
export function createLanes<Item extends Laned>(): Lanes<Item> {
  let waiting: readonly Item[] = [];
  const busy = new Set<string>();

  function remove(isGone: (item: Item) => boolean): readonly Item[] {
    const gone = waiting.filter(isGone);
    waiting = waiting.filter((item) => !isGone(item));
    return gone;
  }

  return {
    add(items) {
      waiting = [...waiting, ...items];
    },
    take(maxItems) {
      const taken = new Set(waiting.filter(({ lane }) => !busy.has(lane)).slice(0, maxItems));
      if (taken.size === 0) return undefined;
      for (const { lane } of taken) busy.add(lane);
      return remove((item) => taken.has(item));
    },
    free(items) {
      for (const { lane } of items) busy.delete(lane);
    },
    drop: (lane) => remove((item) => item.lane === lane),
    dropAll: () => remove(() => true),
    get size() {
      return waiting.length;
    },
  };
}

/** Keeps deliveries out of sight while they are worked. */
export interface VisibilityKeeper {
  hold(receiptHandle: string): void;
  release(receiptHandle: string): void;
}

/** The input of a keeper. */
interface VisibilityKeeperInput {
  readonly reader: Pick<QueueReader, "hide" | "queueUrl">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The time for which each extension hides a delivery; extended at a third of it. */
  readonly visibilityMs: number;
}

/**
 * Extends the visibility timeout of held deliveries, in batches. SQS hides a delivery for at most twelve hours after
 * its receive; then it is delivered again while its work continues, which is logged. Ended deliveries are released. If
 * the role does not allow extending, logs that once and relies on the timeout: the predecessor's policies lack the
 * action.
 */
export function createVisibilityKeeper(input: VisibilityKeeperInput): VisibilityKeeper {
  const { clock } = input;
  /** When each one was received. */
  const held = new Map<string, number>();
  let asleep: AbortController | undefined;

  async function keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(input.visibilityMs / 3, signal);
      if (signal.aborted || !(await extend(input, held))) return;
    }
  }

  return {
    hold(receiptHandle) {
      held.set(receiptHandle, clock.now());
      if (asleep !== undefined) return;
      asleep = new AbortController();
      void keep(asleep.signal);
    },
    release(receiptHandle) {
      held.delete(receiptHandle);
      if (held.size > 0) return;
      asleep?.abort("nothing is held");
      asleep = undefined;
    },
  };
}

/** Extends all that is held. False: it is never allowed. */
async function extend(input: VisibilityKeeperInput, held: Map<string, number>): Promise<boolean> {
  const { reader, clock, logger, visibilityMs } = input;
  const now = clock.now();
  const hidden = [...held].map(([receiptHandle, receivedAt]): HiddenReceipt => {
    return { receiptHandle, forMs: Math.min(visibilityMs, receivedAt + MAX_VISIBILITY_MS - SPARE_MS - now) };
  });
  const { queueUrl } = reader;
  for (const { receiptHandle } of hidden.filter(({ forMs }) => forMs <= 0)) {
    held.delete(receiptHandle);
    const what = "A message was hidden for twelve hours, the most that SQS allows; it is delivered again.";
    logger.warn(what, { queueUrl });
  }
  try {
    const failed = await reader.hide(hidden.filter(({ forMs }) => forMs > 0));
    for (const receipt of failed) letGo(input, held, receipt);
    return true;
  } catch (error) {
    const isDenied = isStackyardError(error, "FORBIDDEN");
    if (isDenied) logger.error(DENIED, { error, queueUrl });
    // The next extension may succeed; when none does, the message is delivered again.
    else logger.warn("The visibility of messages could not be extended.", { error, queueUrl });
    return !isDenied;
  }
}

const DENIED =
  "Received messages are redelivered after their visibility timeout: allow sqs:ChangeMessageVisibility on the queue.";

// The receive was some time before the hold.
const SPARE_MS = 60_000;

function letGo({ reader, logger }: VisibilityKeeperInput, held: Map<string, number>, failed: FailedReceipt): void {
  // It was removed meanwhile: what the extension saw was true when it began.
  if (!held.has(failed.receiptHandle)) return;
  if (failed.lasting) held.delete(failed.receiptHandle);
  const fields = { queueUrl: reader.queueUrl, code: failed.code, reason: failed.reason };
  logger.warn("The visibility of a message could not be extended; it may be delivered again.", fields);
}
