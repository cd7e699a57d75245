import type { Clock, Logger, Random, Store } from "@stackyard/core";
import { createDeadLetterSender, createQueueSender, type SqsTransportOptions } from "@stackyard/transport-sqs";
import type { Environment } from "./environment.ts";
import { followCommits } from "./follow-commits.ts";
import { createTickSender } from "./send-ticks.ts";

/** Dependencies of following commits by queues. */
interface FollowQueuesDeps extends Pick<SqsTransportOptions, "sqs" | "resultKey"> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Wraps the store so that ticks and copies of dead letters follow its commits, if there are queues for them. */
export function followQueues(
  store: Store,
  { queues: { ticks: ticksUrl, eventDeadLetters } }: Pick<Environment, "queues">,
  { sqs, resultKey, clock, random, logger }: FollowQueuesDeps,
) {
  const deps = { sqs, claimChecks: undefined, clock, random };
  const ticks =
    ticksUrl === undefined ? undefined : createTickSender(createQueueSender({ ...deps, queueUrl: ticksUrl }), clock);
  const deadLetters =
    eventDeadLetters === undefined
      ? undefined
      : createDeadLetterSender({ ...deps, queueUrl: eventDeadLetters, resultKey });
  return { ticks, store: followCommits(store, { ticks, deadLetters, clock, logger }) };
}
