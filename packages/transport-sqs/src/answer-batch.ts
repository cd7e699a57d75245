import { isStackyardError } from "@stackyard/core";
import type { BatchDeps } from "./batch-options.ts";
import { type BatchItem, type SqsBatchResponse, toBatchResponse } from "./batch-response.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import type { HiddenReceipt, QueueReader } from "./queue-reader.ts";

/** One message of a batch, what became of it, and when it shall come again. */
export interface SettledItem extends BatchItem {
  readonly incoming: IncomingMessage;
  /** Undefined: when its visibility time-out ends. */
  readonly afterMs: number | undefined;
}

/**
 * What a function answers to a batch. Lambda leaves what failed hidden until the queue's visibility time-out ends, six times
 * what the function may take; here it is told to come again after its own time. What the role may not do is left to that
 * time-out: the predecessor's policies lack the action.
 */
export async function answerBatch(
  deps: BatchDeps,
  queueArn: string,
  items: readonly SettledItem[],
): Promise<SqsBatchResponse> {
  const response = toBatchResponse(items);
  const reader = deps.readerOf(queueArn);
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const hidden = toHidden(items.filter(({ messageId }) => failed.has(messageId)));
  if (reader !== undefined && hidden.length > 0) await hide(deps, reader, hidden);
  return response;
}

/** Those of a stack together, so that none overtakes the one that failed first. */
function toHidden(items: readonly SettledItem[]): readonly HiddenReceipt[] {
  const first = new Map<string, number>();
  return items.flatMap(({ lane, incoming: { receiptHandle }, afterMs, outcome }) => {
    const forMs = first.get(lane) ?? afterMs;
    const isRefused = outcome.kind === "retry" && outcome.refused === true;
    // Whoever tries a function by hand gives no receipt.
    if (isRefused || forMs === undefined || receiptHandle === "") return [];
    if (lane !== "") first.set(lane, forMs);
    return [{ receiptHandle, forMs }];
  });
}

async function hide({ logger }: BatchDeps, reader: QueueReader, hidden: readonly HiddenReceipt[]): Promise<void> {
  const { queueUrl } = reader;
  try {
    for (const { code, reason } of await reader.hide(hidden)) logger.warn(LATER, { queueUrl, code, reason });
  } catch (error) {
    const todo = isStackyardError(error, "FORBIDDEN") ? " Allow sqs:ChangeMessageVisibility on the queue." : "";
    logger.warn(`${LATER}${todo}`, { error, queueUrl });
  }
}

const LATER = "Messages that failed come again only when their visibility time-out ends.";
