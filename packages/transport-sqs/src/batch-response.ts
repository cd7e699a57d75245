import type { DeliveryOutcome } from "./to-settlement.ts";

/** What a function answers to a batch, so that only these messages come again; `ReportBatchItemFailures` must be on. */
export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** One message of a batch and what became of it. */
export interface BatchItem {
  readonly messageId: string;
  /** The stack, or the group of a FIFO queue; empty: it waits for nobody. */
  readonly lane: string;
  readonly outcome: DeliveryOutcome;
}

/**
 * Messages that failed, and those of the same stack behind one that could not be worked: they must not overtake it. An event
 * that its stack refuses holds up none.
 */
export function toBatchResponse(items: readonly BatchItem[]): SqsBatchResponse {
  const blocked = new Set<string>();
  const failed = items.filter(({ lane, outcome }) => {
    if (outcome.kind === "done") return blocked.has(lane);
    if (outcome.refused !== true && lane !== "") blocked.add(lane);
    return true;
  });
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
