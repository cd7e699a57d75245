import type { Transport } from "@stackyard/core";
import { parseTaskMessage } from "@stackyard/core/machine";
import type { ClaimChecks } from "./claim-check.ts";
import { decodeEvent, toUnreadable } from "./decode-event.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { isMessageRefused } from "./to-stackyard-error.ts";

/** An event as a transport hands it over. */
export type EventDelivery = Parameters<Parameters<Transport["consumeEvents"]>[0]>[0][number];

/** A task message as a transport hands it over. */
export type TaskDelivery = Parameters<Parameters<Transport["consumeTasks"]>[0]>[0];

/** What reading works with. */
export interface ReadDeps {
  readonly claimChecks: Pick<ClaimChecks, "redeem">;
  /** Now, epoch milliseconds. */
  readonly now: number;
}

/** What reading an event works with. */
export interface ReadEventDeps extends ReadDeps {
  readonly resultKey: string | undefined;
}

/**
 * A message of the event queue as the engine takes it; whatever it holds is an event, if only one that is refused. Throws
 * what passes by itself, and what somebody must mend: a body that may not be fetched now is none the less somebody's event.
 */
export async function readEvent(
  incoming: IncomingMessage,
  { claimChecks, resultKey, now }: ReadEventDeps,
): Promise<EventDelivery> {
  const { deliveries } = incoming;
  try {
    return { event: decodeEvent(await claimChecks.redeem(incoming), now, resultKey), deliveries };
  } catch (error) {
    if (!isMessageRefused(error)) throw error;
    return { event: toUnreadable(incoming, error.message, now), deliveries };
  }
}

/** A task, or why the message is none. */
export type ReadTask =
  | { readonly kind: "task"; readonly delivery: TaskDelivery }
  | { readonly kind: "invalid"; readonly reason: string };

/** A message of a task queue as workers take it. Throws what passes by itself, and what somebody must mend. */
export async function readTask(incoming: IncomingMessage, { claimChecks, now }: ReadDeps): Promise<ReadTask> {
  const { messageId, deliveries } = incoming;
  try {
    const { body } = await claimChecks.redeem(incoming);
    const parsed = parseTaskMessage(body, { at: now, messageId });
    if (parsed.kind === "invalid") return parsed;
    const { message } = parsed;
    return { kind: "task", delivery: { attemptId: message.dispatch.id, message, deliveries } };
  } catch (error) {
    if (!isMessageRefused(error)) throw error;
    return { kind: "invalid", reason: error.message };
  }
}
