import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, Logger, Random } from "@stackyard/core";
import type { ClaimCheckOptions } from "./claim-check.ts";
import type { Tracing } from "./tracing.ts";

/** A queue, and what becomes of its messages when they cannot be worked. */
export interface QueueOptions {
  /** Ends in `.fifo` for a FIFO queue. */
  readonly url: string;
  /** Where messages are sent that are given up, with the reason. Without it the queue's own redrive policy does it, without. */
  readonly deadLetterUrl?: string;
  /**
   * The delivery after whose failure a message is given up; not more than the queue's `maxReceiveCount`, or SQS is first.
   * Default: 5.
   */
  readonly maxDeliveries?: number;
  /** How long a delivery is hidden from other consumers; extended while it is worked. Default: one minute. */
  readonly visibilityMs?: number;
}

/** The topic that events are published to; their queue is subscribed to it. */
export interface TopicOptions {
  readonly sns: SNSClient;
  readonly arn: string;
}

/** Tasks that do not fit a function's time go to a queue of their own. */
export interface LongTaskOptions extends QueueOptions {
  /** Names of the executors whose tasks go there: those with `resumable: false`. */
  readonly executors: ReadonlySet<string>;
}

/** What the transport works with and how. A part without its queue cannot be used. */
export interface SqsTransportOptions {
  readonly sqs: SQSClient;
  readonly eventQueue?: QueueOptions;
  readonly taskQueue?: QueueOptions;
  readonly longTaskQueue?: LongTaskOptions;
  /** Publishes events there instead of into the queue. */
  readonly eventTopic?: TopicOptions;
  /** For messages that are larger than a queue or a topic takes. */
  readonly claimChecks?: ClaimCheckOptions;
  /** As the queues' `MaximumMessageSize`. Default: 1 MiB, the most that SQS takes. Topics: 256 KiB. */
  readonly maxMessageBytes?: number;
  /** True when every runner that reads the task queues has the store and claims what it works on. Default: false. */
  readonly everyRunnerClaims?: boolean;
  /**
   * A secret that all processes with the yard's store share, and no sender: at least 32 random bytes as text. With it results
   * of runners are proven when they are sent, and believed when they come in. Without it every event is one from outside.
   */
  readonly resultKey?: string;
  /** How long a receive waits for messages, at most 20 s. Default: 20 s. */
  readonly waitMs?: number;
  readonly tracing?: Tracing;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** The defaults of the options. */
export const SQS_DEFAULTS = { maxDeliveries: 5, visibilityMs: 60_000, waitMs: 20_000 } as const;
