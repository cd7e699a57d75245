import type { Message } from "@aws-sdk/client-sqs";
import type { Clock } from "@stackyard/core";
import { type Invocation, LAMBDA_LIMITS } from "./function-input.ts";
import type { FunctionPool } from "./function-pool.ts";
import type { QueueCalls } from "./queue-calls.ts";
import { toBatchAnswer, toSqsEvent } from "./sqs-events.ts";

/** How a queue is connected with a function. */
export interface EventSourceInput {
  readonly queueUrl: string;
  readonly functionName: string;
  /** Default: 10, which is the most without a batching window. */
  readonly batchSize?: number;
  /** `ScalingConfig.MaximumConcurrency`, 2 to 1,000. */
  readonly maximumConcurrency?: number;
  /** `FunctionResponseTypes: [ReportBatchItemFailures]`. Default: true. */
  readonly reportsFailures?: boolean;
}

/** A mapping at work. */
export interface EventSource {
  /** Batches that were received and are not done with, or are about to be visible again. */
  readonly busy: number;
  /** Messages that wait for the end of their visibility timeout. */
  readonly waiting: number;
  /** Loses the deletion of the next batch's messages: Lambda "can process duplicate batches". */
  loseNextDeletion(): void;
  /** Receives nothing more. What is under way is left to itself. */
  stop(): void;
}

/** What a mapping works with. */
export interface EventSourceDeps {
  readonly queue: QueueCalls;
  readonly queueArn: string;
  readonly visibilityMs: number;
  readonly pool: FunctionPool;
  readonly clock: Clock;
  /** Called after each batch, and when messages have become visible again. */
  readonly onChange: (invocation: Invocation | undefined) => void;
}

/**
 * Polls a queue and invokes the function with the messages, as in "Using Lambda with Amazon SQS": processed messages are deleted,
 * anything else waits hidden until the queue's visibility timeout ends, because a mapping does not change visibility
 * (its role does not need that permission). A throttled batch is retried until then.
 */
export function startEventSource(input: EventSourceInput, deps: EventSourceDeps): EventSource {
  const { batchSize = LAMBDA_LIMITS.batchSize, maximumConcurrency, reportsFailures = true } = input;
  const { queue, queueArn, visibilityMs, pool, clock } = deps;
  const stopped = new AbortController();
  const state: SourceState = { busy: 0, waiting: 0, losesNext: false };

  async function poll(): Promise<void> {
    while (!stopped.signal.aborted) {
      const messages = await queue.receive(batchSize, stopped.signal);
      if (messages.length > 0 && !stopped.signal.aborted) await work(messages);
    }
  }

  async function work(messages: readonly Message[]): Promise<void> {
    state.busy += 1;
    const done = new AbortController();
    const hidden = clock.sleep(visibilityMs, AbortSignal.any([done.signal, stopped.signal]));
    const invocation = await pool.callWhenFree(toSqsEvent(messages, queueArn), toSignal(hidden));
    if (stopped.signal.aborted) return;
    const worked = findWorked(messages, invocation, reportsFailures);
    const lost = state.losesNext && worked.length > 0;
    if (lost) state.losesNext = false;
    else await queue.delete(worked);
    const left = lost ? messages : messages.filter((message) => !worked.includes(message));
    if (left.length === 0) done.abort();
    else void showLater(left, hidden);
    state.busy -= 1;
    deps.onChange(invocation);
  }

  async function showLater(messages: readonly Message[], hidden: Promise<void>): Promise<void> {
    state.waiting += messages.length;
    await hidden;
    if (stopped.signal.aborted) return;
    state.waiting -= messages.length;
    state.busy += 1;
    await queue.reveal(messages);
    state.busy -= 1;
    deps.onChange(undefined);
  }

  const count = Math.min(LAMBDA_LIMITS.firstPollers, maximumConcurrency ?? LAMBDA_LIMITS.firstPollers);
  for (let poller = 0; poller < count; poller += 1) void poll();
  return toEventSource(state, () => stopped.abort());
}

/** Returns a signal that is aborted at that time. */
function toSignal(instant: Promise<void>): AbortSignal {
  const controller = new AbortController();
  void instant.then(() => controller.abort());
  return controller.signal;
}

interface SourceState {
  busy: number;
  waiting: number;
  losesNext: boolean;
}

function toEventSource(state: SourceState, stop: () => void): EventSource {
  return {
    get busy() {
      return state.busy;
    },
    get waiting() {
      return state.waiting;
    },
    loseNextDeletion() {
      state.losesNext = true;
    },
    stop,
  };
}

/** Returns the messages of a batch to delete. */
function findWorked(
  messages: readonly Message[],
  invocation: Invocation | undefined,
  reportsFailures: boolean,
): readonly Message[] {
  if (invocation?.outcome.kind !== "answered") return [];
  const ids = messages.map(({ MessageId = "" }) => MessageId);
  const answer = toBatchAnswer(invocation.outcome.answer, ids, reportsFailures);
  if (answer.kind === "all-failed") return [];
  return messages.filter(({ MessageId = "" }) => !answer.failed.has(MessageId));
}
