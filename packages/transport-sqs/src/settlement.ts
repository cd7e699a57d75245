import type { DeliveryOutcome, Logger } from "@stackyard/core";
import { createDeadLetters, type DeadLetters, type DeadLettersInput } from "./dead-letters.ts";
import type { IncomingMessage } from "./messages.ts";
import type { QueueReader } from "./queue-reader.ts";

/** The treatment of messages that fail. */
export interface FailurePolicy {
  readonly deadLetters: DeadLetters | undefined;
  readonly maxDeliveries: number;
}

const DEFAULT_MAX_DELIVERIES = 5;

/** A queue, and where its messages go after their last delivery. */
interface FailurePolicyInput extends Omit<DeadLettersInput, "queueUrl"> {
  readonly deadLetterUrl: string | undefined;
  readonly maxDeliveries: number | undefined;
}

/** Creates the policy of a queue. Without a dead-letter queue, the redrive policy of the queue applies. */
export function createFailurePolicy(input: FailurePolicyInput): FailurePolicy {
  const { deadLetterUrl: queueUrl, maxDeliveries = DEFAULT_MAX_DELIVERIES } = input;
  return {
    deadLetters: queueUrl === undefined ? undefined : createDeadLetters({ ...input, queueUrl }),
    maxDeliveries,
  };
}

/** For a delivery for which the handler returned nothing. */
export const NO_OUTCOME: DeliveryOutcome = { kind: "retry", reason: "The handler returned no outcome." };

/**
 * Returns what the queue does after an outcome. The last failed delivery goes to the dead-letter queue with its reason.
 * A refused event is delivered again when its visibility timeout ends, because its stack needs time until it accepts
 * it.
 */
export async function toSettlement(
  incoming: IncomingMessage,
  outcome: DeliveryOutcome,
  policy: FailurePolicy,
): Promise<Settlement> {
  if (outcome.kind === "done") return { kind: "remove" };
  const { reason, afterMs = 0, refused = false } = outcome;
  const code = refused ? "EVENT_REFUSED" : "DELIVERY_FAILED";
  if (incoming.deliveries >= policy.maxDeliveries && (await policy.deadLetters?.giveUp(incoming, { code, reason }))) {
    return { kind: "remove" };
  }
  return { kind: "return", afterMs: refused ? undefined : Math.max(afterMs, retryDelayMs(incoming.deliveries)) };
}

/** Returns what the queue does with a message that can never succeed. */
export async function toPoisonSettlement(
  incoming: IncomingMessage,
  reason: string,
  { deadLetters }: FailurePolicy,
): Promise<Settlement> {
  const isGivenUp = await deadLetters?.giveUp(incoming, { code: "MESSAGE_INVALID", reason });
  return isGivenUp === true ? { kind: "remove" } : { kind: "return", afterMs: undefined };
}

/** The treatment of a message after its call. */
export type Settlement =
  | { readonly kind: "remove" }
  /** It is delivered again after that time. Undefined: when its visibility timeout ends. */
  | { readonly kind: "return"; readonly afterMs: number | undefined };

/** A message and what happens to it. */
export interface SettledMessage {
  readonly incoming: IncomingMessage;
  readonly settlement: Settlement;
}

export interface SettleDeps {
  readonly reader: QueueReader;
  readonly keeper: { release(receiptHandle: string): void };
  readonly logger: Logger;
}

/**
 * Deletes and returns messages. When a call fails, the message is delivered again, and its event is a known one then.
 */
export async function settleMessages(deps: SettleDeps, messages: readonly SettledMessage[]): Promise<void> {
  const { reader, keeper, logger } = deps;
  for (const { incoming } of messages) keeper.release(incoming.receiptHandle);
  const removed = messages.flatMap(({ incoming, settlement }) => {
    return settlement.kind === "remove" ? [incoming.receiptHandle] : [];
  });
  const returned = messages.flatMap(({ incoming, settlement }) => {
    const afterMs = settlement.kind === "return" ? settlement.afterMs : undefined;
    return afterMs === undefined ? [] : [{ receiptHandle: incoming.receiptHandle, forMs: afterMs }];
  });
  try {
    if (returned.length > 0) warnOf(deps, "A message could not be returned to its queue.", await reader.hide(returned));
    if (removed.length > 0) await remove(deps, removed);
  } catch (error) {
    const { queueUrl } = reader;
    logger.warn("Messages could not be acknowledged; they are delivered again.", { error, queueUrl });
  }
}

const REMOVE_TRIES = 3;

/** Deletes messages. SQS may fail to delete some of a batch; those are retried at once. */
async function remove(deps: SettleDeps, receiptHandles: readonly string[]): Promise<void> {
  let left = receiptHandles;
  for (let tries = 1; tries <= REMOVE_TRIES && left.length > 0; tries += 1) {
    const failed = await deps.reader.remove(left);
    const notDeleted = failed.filter(({ lasting }) => lasting || tries === REMOVE_TRIES);
    warnOf(deps, "A message could not be deleted; it is delivered again.", notDeleted);
    left = failed.flatMap(({ lasting, receiptHandle }) => (lasting ? [] : [receiptHandle]));
  }
}

function warnOf(
  { reader, logger }: SettleDeps,
  message: string,
  failed: readonly { readonly code: string; readonly reason: string }[],
): void {
  for (const { code, reason } of failed) logger.warn(message, { queueUrl: reader.queueUrl, code, reason });
}

/** After the first, second, … failed delivery. Five receives cover transient errors of more than four minutes. */
const DELAYS_MS = [2_000, 15_000, 60_000, 180_000, 300_000];

/** Returns how long a failed delivery stays hidden. */
export function retryDelayMs(deliveries: number): number {
  return DELAYS_MS[Math.min(deliveries, DELAYS_MS.length) - 1] ?? 0;
}
