import { type Clock, isStackyardError, type Logger } from "@stackyard/core";
import type { FailedReceipt, HiddenReceipt, QueueReader } from "./queue-reader.ts";
import { MAX_VISIBILITY_MS } from "./sqs-limits.ts";

/** Keeps deliveries out of sight while they are worked. */
export interface VisibilityKeeper {
  hold(receiptHandle: string): void;
  release(receiptHandle: string): void;
}

/** What a keeper works with. */
export interface VisibilityKeeperInput {
  readonly reader: Pick<QueueReader, "hide" | "queueUrl">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long each extension hides a delivery; extended at a third of it. */
  readonly visibilityMs: number;
}

/**
 * Extends the visibility time-out of what is held, in batches. SQS hides a delivery for at most twelve hours after its
 * receive; then it comes again while its work goes on, and the log says so. A delivery that is over is let go. Where the
 * role may not extend at all, it says so once and leaves all to the time-out: the predecessor's policies lack that action.
 */
export function createVisibilityKeeper(input: VisibilityKeeperInput): VisibilityKeeper {
  const { clock } = input;
  /** When each one was received. */
  const held = new Map<string, number>();
  let asleep: AbortController | undefined;

  async function keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(input.visibilityMs / 3, signal);
      if (signal.aborted || !(await extend(input, held))) return;
    }
  }

  return {
    hold(receiptHandle) {
      held.set(receiptHandle, clock.now());
      if (asleep !== undefined) return;
      asleep = new AbortController();
      void keep(asleep.signal);
    },
    release(receiptHandle) {
      held.delete(receiptHandle);
      if (held.size > 0) return;
      asleep?.abort("nothing is held");
      asleep = undefined;
    },
  };
}

/** Extends all that is held. False: it is never allowed. */
async function extend(input: VisibilityKeeperInput, held: Map<string, number>): Promise<boolean> {
  const { reader, clock, logger, visibilityMs } = input;
  const now = clock.now();
  const hidden = [...held].map(([receiptHandle, receivedAt]): HiddenReceipt => {
    return { receiptHandle, forMs: Math.min(visibilityMs, receivedAt + MAX_VISIBILITY_MS - SPARE_MS - now) };
  });
  const { queueUrl } = reader;
  for (const { receiptHandle } of hidden.filter(({ forMs }) => forMs <= 0)) {
    held.delete(receiptHandle);
    logger.warn("A message was hidden for twelve hours, the most that SQS allows; it is delivered again.", {
      queueUrl,
    });
  }
  try {
    const failed = await reader.hide(hidden.filter(({ forMs }) => forMs > 0));
    for (const receipt of failed) letGo(input, held, receipt);
    return true;
  } catch (error) {
    const isDenied = isStackyardError(error, "FORBIDDEN");
    if (isDenied) logger.error(DENIED, { error, queueUrl });
    // The next extension may succeed; when none does, the message is delivered again.
    else logger.warn("The visibility of messages could not be extended.", { error, queueUrl });
    return !isDenied;
  }
}

const DENIED =
  "Messages in hand come again when their visibility time-out ends: allow sqs:ChangeMessageVisibility on the queue.";

// The receive was some time before the hold.
const SPARE_MS = 60_000;

function letGo({ reader, logger }: VisibilityKeeperInput, held: Map<string, number>, failed: FailedReceipt): void {
  // It was removed meanwhile: what the extension saw was true when it began.
  if (!held.has(failed.receiptHandle)) return;
  if (failed.lasting) held.delete(failed.receiptHandle);
  const { code, reason } = failed;
  logger.warn("The visibility of a message could not be extended; it may be delivered again.", {
    queueUrl: reader.queueUrl,
    code,
    reason,
  });
}
