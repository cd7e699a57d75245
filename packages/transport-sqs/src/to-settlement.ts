import type { Transport } from "@stackyard/core";
import type { DeadLetters } from "./dead-letters.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { Settlement } from "./settle-messages.ts";

/** What a handler says of a delivery. */
export type DeliveryOutcome = Awaited<ReturnType<Parameters<Transport["consumeTasks"]>[0]>>;

/** What becomes of messages that fail. */
export interface FailurePolicy {
  readonly deadLetters: DeadLetters | undefined;
  readonly maxDeliveries: number;
}

/**
 * An outcome as the queue shall see it. The last delivery that fails is given up with its reason. A refused event comes again
 * when its visibility time-out ends, as the predecessor's did: its stack needs time until it accepts it.
 */
export async function toSettlement(
  incoming: IncomingMessage,
  outcome: DeliveryOutcome,
  policy: FailurePolicy,
): Promise<Settlement> {
  if (outcome.kind === "done") return { kind: "remove" };
  const { reason, refused = false } = outcome;
  const code = refused ? "EVENT_REFUSED" : "DELIVERY_FAILED";
  if (incoming.deliveries >= policy.maxDeliveries && (await policy.deadLetters?.giveUp(incoming, { code, reason }))) {
    return { kind: "remove" };
  }
  return { kind: "return", afterMs: refused ? undefined : retryDelayMs(incoming.deliveries) };
}

/** What becomes of a message that can never be worked. Without a dead-letter queue of ours, the queue's own policy decides. */
export async function toPoisonSettlement(
  incoming: IncomingMessage,
  reason: string,
  { deadLetters }: FailurePolicy,
): Promise<Settlement> {
  const isGivenUp = await deadLetters?.giveUp(incoming, { code: "MESSAGE_INVALID", reason });
  return isGivenUp === true ? { kind: "remove" } : { kind: "return", afterMs: undefined };
}
