import type { LambdaContext } from "@stackyard/aws";
import { isStackyardError, StackyardError } from "@stackyard/core";
import type { SweepReport } from "@stackyard/core/engine";
import { createEventBatchHandler, parseSqsBatch, type SqsBatch, type SqsBatchResponse } from "@stackyard/transport-sqs";
import { answerBatch } from "./answer-batch.ts";
import { handleTicks } from "./handle-ticks.ts";
import { toQueueName } from "./queue-name.ts";
import { isScheduleEvent } from "./schedule-event.ts";
import type { StateManagerParts } from "./state-manager-parts.ts";
import { MINUTE_MS, sweepMinute } from "./sweep-minute.ts";

/** Before the end of an invocation nothing new is begun; a quarter of it where that is less. */
const SPARE_MS = 5_000;
const DEFAULT_LEFT_MS = 30_000;

/**
 * Creates the Lambda handler for events of the event queue, ticks, and the schedule's event. Queues are identified by
 * the ARN that Lambda passes, never by message content: a sender of events must not be able to send ticks.
 */
export function createInvocationHandler(
  parts: StateManagerParts,
): (event: unknown, context?: LambdaContext) => Promise<SqsBatchResponse | SweepReport> {
  const { clock, environment, logger, yard } = parts;
  const handleEvents = createEventBatchHandler((deliveries) => yard.engine.handle(deliveries), parts.batches);
  const hasTicks = environment.queues.ticks !== undefined;
  let sweptAt = clock.now();

  async function workEvents(event: unknown, batch: SqsBatch, stopAt: number): Promise<SqsBatchResponse> {
    const response = await handleEvents(event);
    await drain(batch, stopAt);
    // A yard without `stack-ticks` is one that the predecessor's users have set up: perhaps nothing sweeps it.
    // Every instance does so, and a batch waits for it: nothing is measured then.
    if (!hasTicks && clock.now() - sweptAt >= MINUTE_MS)
      await attempt("sweep", () => sweep(stopAt, { measures: false }));
    return response;
  }

  /**
   * Drains the outbox. Work that fails here is in the store; reporting the messages would only have them decided again.
   */
  function drain({ messages }: SqsBatch, stopAt: number): Promise<void> {
    // Who had a message before may have died between its commit and this; and where nothing sweeps, everybody does.
    const mayBeLeft = !hasTicks || messages.some(({ deliveries }) => deliveries > 1);
    return attempt("drain the outbox", () => yard.drain(stopAt, mayBeLeft ? undefined : "own"));
  }

  function sweep(stopAt: number, options?: { readonly measures: boolean }): Promise<SweepReport> {
    sweptAt = clock.now();
    return sweepMinute(parts, stopAt, options);
  }

  async function attempt(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const code = isStackyardError(error) ? error.code : "INTERNAL";
      logger.error(`The state manager could not ${what}; the next sweep retries.`, { error, code });
    }
  }

  /** Handles the schedule. Bulk operations continue even when the sweep has failed. */
  async function handleSchedule(stopAt: number): Promise<SweepReport> {
    try {
      return await sweep(stopAt);
    } finally {
      await parts.bulks.continueUntil(stopAt);
    }
  }

  return async (event, context) => {
    const stopAt = toStopAt(clock.now(), context);
    if (isScheduleEvent(event)) return handleSchedule(stopAt);
    const batch = parseSqsBatch(event);
    const queue = findQueue(parts, batch.queueArn);
    if (queue === "events") return answerBatch(parts, batch, await workEvents(event, batch, stopAt));
    const response = await handleTicks(parts, batch);
    await drain(batch, stopAt);
    return response;
  };
}

function toStopAt(now: number, context: LambdaContext | undefined): number {
  // A manual test call has no context.
  const leftMs = context?.getRemainingTimeInMillis?.() ?? DEFAULT_LEFT_MS;
  return now + leftMs - Math.min(SPARE_MS, leftMs / 4);
}

/** Finds the queue of a batch. Throws `CONFIG_INVALID` for one that is not for a state manager. */
function findQueue({ environment: { queues, engine } }: StateManagerParts, queueArn: string): "events" | "ticks" {
  const name = toQueueName(queueArn);
  const isNamed = (url: string | undefined) => url !== undefined && toQueueName(url) === name;
  if (isNamed(queues.ticks)) return "ticks";
  if (isNamed(queues.tasks) || isNamed(queues.longTasks)) {
    const todo = "Connect the event source mapping to the queue of events.";
    throw new StackyardError(
      "CONFIG_INVALID",
      `The state manager was called with the queue of tasks "${name}". ${todo}`,
    );
  }
  if (engine.refusedEvents === "redeliver" && name.endsWith(".fifo")) {
    const why = "on a FIFO queue a refused event would hold up its stack";
    throw new StackyardError("CONFIG_INVALID", `REFUSED_EVENTS is redeliver, and "${name}" is a FIFO queue: ${why}.`);
  }
  return "events";
}
