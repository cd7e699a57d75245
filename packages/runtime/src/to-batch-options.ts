import type { BatchOptions, SqsTransportOptions } from "@stackyard/transport-sqs";
import { MAX_DELIVERIES } from "./transport-options.ts";

/** How a function takes batches, with the transport's options and the queue of what is given up. */
export function toBatchOptions(queues: SqsTransportOptions, deadLetterUrl: string | undefined): BatchOptions {
  const { sqs, claimChecks, resultKey, tracing, clock, random, logger } = queues;
  const { eventQueue, taskQueue, longTaskQueue } = queues;
  return {
    maxDeliveries: MAX_DELIVERIES,
    queues: { sqs, urls: [eventQueue, taskQueue, longTaskQueue].flatMap((queue) => queue?.url ?? []) },
    ...(deadLetterUrl === undefined ? {} : { deadLetters: { sqs, url: deadLetterUrl } }),
    ...(claimChecks === undefined ? {} : { claimChecks }),
    ...(resultKey === undefined ? {} : { resultKey }),
    ...(tracing === undefined ? {} : { tracing }),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    ...(logger === undefined ? {} : { logger }),
  };
}
