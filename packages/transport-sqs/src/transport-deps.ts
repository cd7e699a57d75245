import { type Clock, type Logger, type Random, StackyardError, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type ClaimChecks, createClaimChecks } from "./claim-check.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { type QueueOptions, SQS_DEFAULTS, type SqsTransportOptions } from "./sqs-transport-options.ts";
import type { FailurePolicy } from "./to-settlement.ts";
import { noTracing, type Tracing } from "./tracing.ts";

/** The options with their defaults filled in. */
export interface TransportDeps {
  readonly options: SqsTransportOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly claimChecks: ClaimChecks | undefined;
}

/** Fills in defaults. */
export function toTransportDeps(options: SqsTransportOptions): TransportDeps {
  const { clock = systemClock, random = Math.random, logger = silentLogger, tracing = noTracing } = options;
  const claimChecks = options.claimChecks === undefined ? undefined : createClaimChecks(options.claimChecks);
  return { options, clock, random, logger, tracing, claimChecks };
}

/** A queue that something needs. Throws `CONFIG_INVALID` where there is none. */
export function requireQueue(queue: QueueOptions | undefined, option: string): QueueOptions {
  if (queue !== undefined) return queue;
  throw new StackyardError("CONFIG_INVALID", `This transport was given no queue for that. Set the option ${option}.`);
}

/** What becomes of a queue's messages that fail. */
export function toFailurePolicy(deps: TransportDeps, queue: QueueOptions): FailurePolicy {
  const { deadLetterUrl, maxDeliveries = SQS_DEFAULTS.maxDeliveries, url } = queue;
  const { clock, random, logger, options } = deps;
  if (deadLetterUrl === undefined) return { deadLetters: undefined, maxDeliveries };
  const letters = { sqs: options.sqs, queueUrl: deadLetterUrl, source: url, clock, random, logger };
  return { deadLetters: createDeadLetters(letters), maxDeliveries };
}
