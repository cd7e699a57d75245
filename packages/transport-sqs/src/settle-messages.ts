import type { Logger } from "@stackyard/core";
import type { IncomingMessage } from "./incoming-message.ts";
import type { QueueReader } from "./queue-reader.ts";
import type { VisibilityKeeper } from "./visibility-keeper.ts";

/** What shall become of a message after its call. */
export type Settlement =
  | { readonly kind: "remove" }
  /** It is delivered again after that time; undefined: when its visibility time-out ends. */
  | { readonly kind: "return"; readonly afterMs: number | undefined };

/** A message and what shall become of it. */
export interface SettledMessage {
  readonly incoming: IncomingMessage;
  readonly settlement: Settlement;
}

/** What settling works with. */
export interface SettleDeps {
  readonly reader: QueueReader;
  readonly keeper: VisibilityKeeper;
  readonly logger: Logger;
}

/** Removes and returns messages. What cannot be told to the queue is delivered again, and its event is known then. */
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
    if (returned.length > 0) warnOf(deps, "A message could not be given back.", await reader.hide(returned));
    if (removed.length > 0) await remove(deps, removed);
  } catch (error) {
    const { queueUrl } = reader;
    logger.warn("Messages could not be acknowledged; they are delivered again.", { error, queueUrl });
  }
}

const REMOVE_TRIES = 3;

/** Of a batch some may fail to be deleted; those are asked for again at once. */
async function remove(deps: SettleDeps, receiptHandles: readonly string[]): Promise<void> {
  let left = receiptHandles;
  for (let tries = 1; tries <= REMOVE_TRIES && left.length > 0; tries += 1) {
    const failed = await deps.reader.remove(left);
    const given = failed.filter(({ lasting }) => lasting || tries === REMOVE_TRIES);
    warnOf(deps, "A message could not be deleted; it is delivered again.", given);
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
