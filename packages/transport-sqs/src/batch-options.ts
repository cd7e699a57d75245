import type { SQSClient } from "@aws-sdk/client-sqs";
import { type Clock, type Logger, type Random, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type ClaimCheckOptions, type ClaimChecks, createClaimChecks, noClaimChecks } from "./claim-check.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { createQueueReader, type QueueReader } from "./queue-reader.ts";
import { SQS_DEFAULTS } from "./sqs-transport-options.ts";
import type { FailurePolicy } from "./to-settlement.ts";
import { noTracing, type Tracing } from "./tracing.ts";

/** How a function takes batches. */
export interface BatchOptions {
  /** Where messages are sent that are given up, with the reason. Without it the queue's own redrive policy does it, without. */
  readonly deadLetters?: { readonly sqs: SQSClient; readonly url: string };
  /** The queues that batches come from. What fails then comes again after its own time, else after the visibility time-out. */
  readonly queues?: { readonly sqs: SQSClient; readonly urls: readonly string[] };
  /** As with `QueueOptions`. Default: 5. */
  readonly maxDeliveries?: number;
  readonly claimChecks?: ClaimCheckOptions;
  /** As with `SqsTransportOptions`: for the event queue. */
  readonly resultKey?: string;
  readonly tracing?: Tracing;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** The options with their defaults filled in. */
export interface BatchDeps {
  readonly claimChecks: Pick<ClaimChecks, "redeem">;
  readonly resultKey: string | undefined;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of messages of that queue. */
  policyOf(queueArn: string): FailurePolicy;
  /** Undefined: its address is not known. */
  readerOf(queueArn: string): QueueReader | undefined;
}

/** Fills in defaults. */
export function toBatchDeps(options: BatchOptions): BatchDeps {
  const { clock = systemClock, random = Math.random, logger = silentLogger, tracing = noTracing } = options;
  const { deadLetters, maxDeliveries = SQS_DEFAULTS.maxDeliveries, queues } = options;
  return {
    clock,
    logger,
    tracing,
    resultKey: options.resultKey,
    claimChecks: options.claimChecks === undefined ? noClaimChecks : createClaimChecks(options.claimChecks),
    policyOf(source) {
      if (deadLetters === undefined) return { deadLetters: undefined, maxDeliveries };
      const { sqs, url: queueUrl } = deadLetters;
      return { deadLetters: createDeadLetters({ sqs, queueUrl, source, clock, random, logger }), maxDeliveries };
    },
    readerOf(queueArn) {
      const queueUrl = queues?.urls.find((url) => toLastPart(url, "/") === toLastPart(queueArn, ":"));
      if (queues === undefined || queueUrl === undefined) return undefined;
      return createQueueReader({ ...SQS_DEFAULTS, sqs: queues.sqs, queueUrl });
    },
  };
}

/** The name of a queue, in its address or its ARN. */
function toLastPart(text: string, separator: string): string {
  return text.slice(text.lastIndexOf(separator) + 1);
}
