import type { QueueConsumerInput } from "./queue-consumer.ts";
import { createQueueReader } from "./queue-reader.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { MAX_WAIT_MS } from "./sqs-limits.ts";
import { type QueueOptions, SQS_DEFAULTS } from "./sqs-transport-options.ts";
import type { TransportDeps } from "./transport-deps.ts";

type Reading = Pick<
  QueueConsumerInput<never>,
  "reader" | "clock" | "logger" | "visibilityMs" | "idleMs" | "retryDelayMs"
>;

/** Between receives of a queue that does not wait itself. */
const IDLE_MS = 1_000;

/** What all consumers of a queue have in common. */
export function toReading({ clock, logger, options }: TransportDeps, queue: QueueOptions): Reading {
  const { visibilityMs = SQS_DEFAULTS.visibilityMs } = queue;
  const { sqs, waitMs = SQS_DEFAULTS.waitMs } = options;
  return {
    reader: createQueueReader({ sqs, queueUrl: queue.url, visibilityMs, waitMs: Math.min(waitMs, MAX_WAIT_MS) }),
    clock,
    logger,
    visibilityMs,
    retryDelayMs,
    idleMs: waitMs > 0 ? 0 : IDLE_MS,
  };
}
