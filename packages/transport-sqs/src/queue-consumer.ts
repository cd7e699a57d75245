import type { Clock, Transport } from "@stackyard/core";
import type { IncomingMessage } from "./incoming-message.ts";
import { createMessageCalls, type MessageCallsInput, type ReadMessage } from "./message-calls.ts";
import { type SettledMessage, type Settlement, settleMessages } from "./settle-messages.ts";
import { MAX_ENTRIES } from "./sqs-limits.ts";
import { createVisibilityKeeper } from "./visibility-keeper.ts";

/** How a queue is consumed. */
export interface QueueConsumerInput<Value> extends Omit<MessageCallsInput<Value>, "keeper"> {
  readonly clock: Clock;
  readonly visibilityMs: number;
  /** How long to sleep after a receive that gave nothing; 0 where the receive itself waits. */
  readonly idleMs: number;
  /** Understands a message, or says what becomes of it. Throws: it is delivered again. */
  read(incoming: IncomingMessage): Promise<ReadMessage<Value> | Settlement>;
}

type Subscription = ReturnType<Transport["consumeTasks"]>;

const AFTER_ERROR_MS = 5_000;

/** Receives, hands to calls, acknowledges; what is in hand stays out of sight of others. */
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
      else await receive(Math.min(room, MAX_ENTRIES));
    }
  }

  async function receive(maxMessages: number): Promise<void> {
    try {
      const messages = await reader.receive(maxMessages, stopping.signal);
      if (messages.length > 0) await accept(messages);
      else await clock.sleep(input.idleMs, stopping.signal);
    } catch (error) {
      logger.error("Messages could not be received; it is tried again.", { error, queueUrl });
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
      // What was received while the stop came.
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
