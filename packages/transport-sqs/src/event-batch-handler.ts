import { answerBatch, type SettledItem } from "./answer-batch.ts";
import { type BatchDeps, type BatchOptions, toBatchDeps } from "./batch-options.ts";
import type { SqsBatchResponse } from "./batch-response.ts";
import { isFifo } from "./fifo-ids.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { type EventDelivery, readEvent } from "./read-deliveries.ts";
import { parseSqsBatch } from "./sqs-batch.ts";
import { type DeliveryOutcome, toSettlement } from "./to-settlement.ts";
import { findCarrier } from "./tracing.ts";

/** What decides events: the engine's `handle`. */
type HandleEvents = (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;

/**
 * A Lambda handler for the event queue: all records are decided in one call, those of a stack in their order. It answers
 * which ones must come again, and never throws for a record's sake. A call with anything but a batch throws `EVENT_INVALID`.
 */
export function createEventBatchHandler(
  handle: HandleEvents,
  options: BatchOptions = {},
): (event: unknown) => Promise<SqsBatchResponse> {
  const deps = toBatchDeps(options);
  return async (event) => {
    const { queueArn, messages } = parseSqsBatch(event);
    const decided = await decideAll(deps, handle, { messages, ordered: isFifo(queueArn) });
    const policy = deps.policyOf(queueArn);
    const items = decided.map(async ({ incoming, lane, outcome }): Promise<SettledItem> => {
      const settlement = await toSettlement(incoming, outcome, policy);
      const { messageId } = incoming;
      if (settlement.kind === "remove") return { incoming, messageId, lane, outcome: DONE, afterMs: undefined };
      return { incoming, messageId, lane, outcome, afterMs: settlement.afterMs };
    });
    return answerBatch(deps, queueArn, await Promise.all(items));
  };
}

interface Decided {
  readonly incoming: IncomingMessage;
  readonly lane: string;
  readonly outcome: DeliveryOutcome;
}

interface ReadEvent {
  readonly incoming: IncomingMessage;
  /** The group of a FIFO queue is known before the message is read. */
  readonly lane: string;
  /** Undefined: it could not be fetched. */
  readonly delivery?: EventDelivery;
  readonly reason: string;
}

async function readOne(
  { claimChecks, resultKey, clock, logger }: BatchDeps,
  incoming: IncomingMessage,
  ordered: boolean,
): Promise<ReadEvent> {
  // Standard queues may have groups too, for fairness; they mean no order.
  const group = ordered ? incoming.groupId : undefined;
  try {
    const delivery = await readEvent(incoming, { claimChecks, resultKey, now: clock.now() });
    return { incoming, lane: group ?? delivery.event.stackId, delivery, reason: "" };
  } catch (error) {
    const { messageId } = incoming;
    logger.error("A message could not be read; it is delivered again.", { error, messageId });
    return { incoming, lane: group ?? "", reason: String(error) };
  }
}

/** Lambda may hand over ten thousand records; what is in memory and committed at once stays small. */
const MAX_EVENTS = 100;

/** Decides what could be read and is not behind something that failed. */
async function decideAll(
  deps: BatchDeps,
  handle: HandleEvents,
  { messages, ordered }: { readonly messages: readonly IncomingMessage[]; readonly ordered: boolean },
): Promise<readonly Decided[]> {
  const blocked = new Set<string>();
  const decided: Decided[] = [];
  for (let from = 0; from < messages.length; from += MAX_EVENTS) {
    const some = messages.slice(from, from + MAX_EVENTS);
    const read = await Promise.all(some.map((message) => readOne(deps, message, ordered)));
    decided.push(...(await decideSome(deps, handle, { read, blocked })));
  }
  return decided;
}

async function decideSome(
  deps: BatchDeps,
  handle: HandleEvents,
  { read, blocked }: { readonly read: readonly ReadEvent[]; readonly blocked: Set<string> },
): Promise<readonly Decided[]> {
  const ready = read.flatMap(({ incoming, lane, delivery }) => {
    if (delivery === undefined && lane !== "") blocked.add(lane);
    return delivery === undefined || blocked.has(lane) ? [] : [{ incoming, delivery }];
  });
  const outcomes = ready.length === 0 ? [] : await handleAll(deps, handle, ready);
  const outcomeOf = new Map(ready.map(({ incoming }, index) => [incoming, outcomes[index] ?? NO_OUTCOME]));
  return read.map(({ incoming, lane, reason }) => {
    const outcome = outcomeOf.get(incoming) ?? {
      kind: "retry" as const,
      reason: reason || "A message before it failed.",
    };
    if (outcome.kind === "retry" && outcome.refused !== true && lane !== "") blocked.add(lane);
    return { incoming, lane, outcome };
  });
}

const DONE: DeliveryOutcome = { kind: "done" };
const NO_OUTCOME: DeliveryOutcome = { kind: "retry", reason: "The handler gave no outcome." };

async function handleAll(
  { tracing, logger }: BatchDeps,
  handle: HandleEvents,
  ready: readonly { readonly incoming: IncomingMessage; readonly delivery: EventDelivery }[],
): Promise<readonly DeliveryOutcome[]> {
  try {
    const carriers = ready.map(({ incoming }) => findCarrier(incoming.attributes));
    return await tracing.run(carriers, () => handle(ready.map(({ delivery }) => delivery)));
  } catch (error) {
    logger.error("Events could not be handled; they are delivered again.", { error });
    return ready.map(() => ({ kind: "retry", reason: String(error) }));
  }
}
