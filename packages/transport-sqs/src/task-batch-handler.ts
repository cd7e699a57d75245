import { answerBatch, type SettledItem } from "./answer-batch.ts";
import { type BatchDeps, type BatchOptions, toBatchDeps } from "./batch-options.ts";
import type { SqsBatchResponse } from "./batch-response.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { readTask, type TaskDelivery } from "./read-deliveries.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { Settlement } from "./settle-messages.ts";
import { parseSqsBatch } from "./sqs-batch.ts";
import { type DeliveryOutcome, type FailurePolicy, toPoisonSettlement, toSettlement } from "./to-settlement.ts";
import { findCarrier } from "./tracing.ts";

/** What an invocation knows about itself. */
export interface Invocation {
  /** When the function is ended, epoch milliseconds. */
  readonly endsAt?: number;
}

/** What works a task: a worker's `handle`, of either kind. */
type HandleTask = (delivery: TaskDelivery, invocation: Invocation) => Promise<DeliveryOutcome>;

/**
 * A Lambda handler for the task queue: every record is worked, side by side. It answers which ones must come again, and never
 * throws for a record's sake. A call with anything but a batch throws `EVENT_INVALID`.
 */
export function createTaskBatchHandler(
  handle: HandleTask,
  options: BatchOptions = {},
): (event: unknown, invocation?: Invocation) => Promise<SqsBatchResponse> {
  const deps = toBatchDeps(options);
  return async (event, invocation = {}) => {
    const { queueArn, messages } = parseSqsBatch(event);
    const policy = deps.policyOf(queueArn);
    const items = messages.map(async (incoming): Promise<SettledItem> => {
      const worked = await workOne(deps, incoming, { handle: (delivery) => handle(delivery, invocation), policy });
      return { messageId: incoming.messageId, lane: "", incoming, ...worked };
    });
    return answerBatch(deps, queueArn, await Promise.all(items));
  };
}

interface Working {
  readonly handle: (delivery: TaskDelivery) => Promise<DeliveryOutcome>;
  readonly policy: FailurePolicy;
}

async function workOne(deps: BatchDeps, incoming: IncomingMessage, { handle, policy }: Working): Promise<Worked> {
  const { claimChecks, clock, logger, tracing } = deps;
  try {
    const read = await readTask(incoming, { claimChecks, now: clock.now() });
    if (read.kind === "invalid") {
      logger.error("A message is no task.", { messageId: incoming.messageId, reason: read.reason });
      const settlement = await toPoisonSettlement(incoming, read.reason, policy);
      return toWorked(settlement, { kind: "retry", reason: read.reason });
    }
    const outcome = await tracing.run([findCarrier(incoming.attributes)], () => handle(read.delivery));
    return toWorked(await toSettlement(incoming, outcome, policy), outcome);
  } catch (error) {
    logger.error("A task could not be worked; its message is delivered again.", {
      error,
      messageId: incoming.messageId,
    });
    const afterMs = retryDelayMs(incoming.deliveries);
    return { outcome: { kind: "retry", reason: String(error) }, afterMs };
  }
}

type Worked = Pick<SettledItem, "outcome" | "afterMs">;

function toWorked(settlement: Settlement, outcome: DeliveryOutcome): Worked {
  if (settlement.kind === "remove") return { outcome: { kind: "done" }, afterMs: undefined };
  return { outcome, afterMs: settlement.afterMs };
}
