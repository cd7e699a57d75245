import { type Clock, isStackyardError, type Logger } from "@stackyard/core";
import type { DrainedKind, OutboxRelay } from "@stackyard/transport-sqs";

/** What is not sent by then is left to the sweep: the task's message waits to be removed, and a function has an end. */
const SEND_MS = 5_000;

/** What is sent, and how. */
export interface SendResultsDeps {
  readonly outbox: OutboxRelay;
  readonly kinds: readonly DrainedKind[];
  /** The outbox hands out what this process has left, and nobody else looks at that before the sweep. */
  readonly isOwn: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Sends what a settled task has left in the store's outbox: its result, and the next task of a key that it held. What cannot
 * be sent stays there for the sweep; to work the task again would help nobody.
 */
export async function sendResults(attemptId: string, deps: SendResultsDeps): Promise<void> {
  const { outbox, kinds, isOwn, clock, logger } = deps;
  const stopAt = clock.now() + SEND_MS;
  try {
    // A stack's results go in order: one that came while another was out was not given to the runner that has left it.
    while ((await outbox.drain({ kinds, stopAt })) > 0 && isOwn && clock.now() < stopAt);
  } catch (error) {
    const code = isStackyardError(error) ? error.code : "INTERNAL";
    logger.error("A result could not be sent; the next sweep sends it.", { error, code, attemptId });
  }
}
