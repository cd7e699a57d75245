import { type BatchDeps, type BatchOptions, toBatchDeps } from "./batch-options.ts";
import { type BatchItem, type SqsBatchResponse, toBatchResponse } from "./batch-response.ts";
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
    const read = await Promise.all(messages.map((message) => readOne(deps, message)));
    const decided = await decideAll(deps, handle, read);
    const policy = deps.policyOf(queueArn);
    const items = decided.map(async ({ incoming, lane, outcome }): Promise<BatchItem> => {
      const settlement = await toSettlement(incoming, outcome, policy);
      const { messageId } = incoming;
      return { messageId, lane, outcome: settlement.kind === "remove" ? { kind: "done" } : outcome };
    });
    return toBatchResponse(await Promise.all(items));
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

async function readOne({ claimChecks, clock, logger }: BatchDeps, incoming: IncomingMessage): Promise<ReadEvent> {
  try {
    const delivery = await readEvent(incoming, { claimChecks, now: clock.now() });
    return { incoming, lane: incoming.groupId ?? delivery.event.stackId, delivery, reason: "" };
  } catch (error) {
    const { messageId } = incoming;
    logger.error("A message could not be read; it is delivered again.", { error, messageId });
    return { incoming, lane: incoming.groupId ?? "", reason: String(error) };
  }
}

/** Decides what could be read and is not behind something that could not. */
async function decideAll(
  deps: BatchDeps,
  handle: HandleEvents,
  read: readonly ReadEvent[],
): Promise<readonly Decided[]> {
  const blocked = new Set<string>();
  const ready: (Omit<ReadEvent, "delivery"> & { readonly delivery: EventDelivery })[] = [];
  const unready: Decided[] = [];
  for (const one of read) {
    const { incoming, lane, delivery, reason } = one;
    if (delivery !== undefined && !blocked.has(lane)) ready.push({ ...one, delivery });
    else
      unready.push({
        incoming,
        lane,
        outcome: { kind: "retry", reason: reason || "A message before it could not be read." },
      });
    if (delivery === undefined && lane !== "") blocked.add(lane);
  }
  const outcomes = ready.length === 0 ? [] : await handleAll(deps, handle, ready);
  const decided = ready.map(({ incoming, lane }, index): Decided => {
    return { incoming, lane, outcome: outcomes[index] ?? { kind: "retry", reason: "The handler gave no outcome." } };
  });
  const byMessage = new Map([...decided, ...unready].map((one) => [one.incoming, one]));
  return read.flatMap(({ incoming }) => byMessage.get(incoming) ?? []);
}

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
