import type { Logger } from "@stackyard/core";
import type { IncomingMessage } from "./incoming-message.ts";
import { createLanes } from "./lanes.ts";
import { type SettleDeps, type SettledMessage, type Settlement, settleMessages } from "./settle-messages.ts";

/** A message that is understood. */
export interface ReadMessage<Value> {
  readonly lane: string;
  readonly incoming: IncomingMessage;
  readonly value: Value;
}

/** How messages are handed to calls. */
export interface MessageCallsInput<Value> extends SettleDeps {
  readonly logger: Logger;
  readonly batchSize: number;
  readonly concurrency: number;
  /** Messages that may wait while all calls are under way. */
  readonly prefetch: number;
  /** True: what waits behind a message of its lane that goes back goes back too. */
  readonly ordered: boolean;
  /** One call. Settlements in the order of the messages. Throws: all are delivered again. */
  handle(messages: readonly ReadMessage<Value>[]): Promise<readonly Settlement[]>;
  /** How long a delivery that failed stays out of sight. */
  retryDelayMs(deliveries: number): number;
}

/** Calls under way and what waits for them. */
export interface MessageCalls<Value> {
  add(messages: readonly ReadMessage<Value>[]): void;
  /** How many more messages may be added. */
  room(): number;
  /** Resolves when a call ends, or `stop` is called. */
  waitForEnd(): Promise<void>;
  /** Starts nothing more, gives back what waits, and resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** Hands messages to calls, lane by lane, and settles them afterwards. */
export function createMessageCalls<Value>(input: MessageCallsInput<Value>): MessageCalls<Value> {
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
      // Of which nothing is said was perhaps not worked.
      const afterMs = input.retryDelayMs(incoming.deliveries);
      return { incoming, lane, settlement: settlements[index] ?? { kind: "return" as const, afterMs } };
    });
    const returned = input.ordered ? findFirstReturns(settled) : new Map<string, Settlement>();
    // What is behind a message that goes back must not overtake it, whether it was in the call or waits.
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
    /** Not a race of the calls: each race would leave a listener at the one that takes hours. */
    waitForEnd: () =>
      new Promise((resolve) => {
        noteEnd = resolve;
        if (stopping) resolve();
      }),
    async stop() {
      stopping = true;
      noteEnd();
      const waiting = lanes.dropAll();
      await settleMessages(
        input,
        waiting.map(({ incoming }) => ({ incoming, settlement: { kind: "return", afterMs: 0 } })),
      );
      await Promise.all(calls);
    },
  };
}

/** By lane: how its first message that goes back does. */
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
