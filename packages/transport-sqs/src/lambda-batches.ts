import { randomUUID } from "node:crypto";
import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  type Clock,
  chunk,
  type DeliveryOutcome,
  type EventDelivery,
  isFifo,
  isStackyardError,
  type Logger,
  type Random,
  StackyardError,
  silentLogger,
  type TaskDelivery,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/yard";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type ClaimCheckOptions, type ClaimChecks, createClaimChecks, noClaimChecks } from "./claim-check.ts";
import { type FindSender, readEvent, readTask } from "./message-codec.ts";
import { findCarrier, type IncomingMessage, noTracing, type Tracing, toIncomingMessage } from "./messages.ts";
import { createQueueReader, type HiddenReceipt, type QueueReader } from "./queue-reader.ts";
import {
  createFailurePolicy,
  type FailurePolicy,
  NO_OUTCOME,
  retryDelayMs,
  type Settlement,
  toPoisonSettlement,
  toSettlement,
} from "./settlement.ts";
import { SQS_DEFAULTS } from "./sqs-transport.ts";

/** The options of taking batches in a function. */
export interface BatchOptions {
  /**
   * Where messages are sent that are given up, with the reason. Without it the queue's own redrive policy does it,
   * without.
   */
  readonly deadLetters?: { readonly sqs: SQSClient; readonly url: string };
  /**
   * The queues of batches. With them a failed message is delivered again after its own delay, else after the
   * visibility timeout.
   */
  readonly queues?: { readonly sqs: SQSClient; readonly urls: readonly string[] };
  /** As with `QueueOptions`. Default: 5. */
  readonly maxDeliveries?: number;
  readonly claimChecks?: ClaimCheckOptions;
  /** As with `SqsTransportOptions`: for the event queue. */
  readonly resultKey?: string;
  /** As with `SqsTransportOptions`: for the event queue. */
  readonly findSender?: FindSender;
  readonly tracing?: Tracing;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** The options with their defaults filled in. */
interface BatchDeps {
  readonly claimChecks: Pick<ClaimChecks, "redeem">;
  readonly resultKey: string | undefined;
  readonly findSender: FindSender | undefined;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Returns the policy for messages of that queue. */
  policyOf(queueArn: string): FailurePolicy;
  /** Returns the reader of a queue; undefined when its address is unknown. */
  readerOf(queueArn: string): QueueReader | undefined;
}

/** Fills in defaults. */
function toBatchDeps(options: BatchOptions): BatchDeps {
  const { clock = systemClock, random = Math.random, logger = silentLogger, tracing = noTracing } = options;
  const { deadLetters, maxDeliveries, queues } = options;
  return {
    clock,
    logger,
    tracing,
    resultKey: options.resultKey,
    findSender: options.findSender,
    claimChecks: options.claimChecks === undefined ? noClaimChecks : createClaimChecks(options.claimChecks),
    policyOf(source) {
      if (deadLetters === undefined) return { deadLetters: undefined, maxDeliveries: Number.POSITIVE_INFINITY };
      const { sqs, url: deadLetterUrl } = deadLetters;
      return createFailurePolicy({ sqs, deadLetterUrl, maxDeliveries, source, clock, random, logger });
    },
    readerOf(queueArn) {
      const queueUrl = queues?.urls.find((url) => toLastPart(url, "/") === toLastPart(queueArn, ":"));
      if (queues === undefined || queueUrl === undefined) return undefined;
      return createQueueReader({ ...SQS_DEFAULTS, sqs: queues.sqs, queueUrl });
    },
  };
}

/** Returns the name of a queue, from its address or its ARN. */
function toLastPart(text: string, separator: string): string {
  return text.slice(text.lastIndexOf(separator) + 1);
}

/** Decides events: the engine's `handle`. */
type HandleEvents = (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;

/**
 * Creates a Lambda handler for the event queue: all records are decided in one call, those of a stack in their order.
 * It returns the messages that must be delivered again, and never throws because of a record. A call with anything but
 * a batch throws `EVENT_INVALID`.
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
      return { incoming, messageId: incoming.messageId, lane, ...toWorked(settlement, outcome) };
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
  /** The event, or undefined if it could not be fetched. */
  readonly delivery?: EventDelivery;
  readonly reason: string;
}

async function readOne(
  { claimChecks, resultKey, findSender, clock, logger }: BatchDeps,
  incoming: IncomingMessage,
  ordered: boolean,
): Promise<ReadEvent> {
  // Standard queues may have groups too, for fairness; they mean no order.
  const group = ordered ? incoming.groupId : undefined;
  try {
    const delivery = await readEvent(incoming, { claimChecks, resultKey, findSender, now: clock.now() });
    return { incoming, lane: group ?? delivery.event.stackId, delivery, reason: "" };
  } catch (error) {
    const { messageId } = incoming;
    logger.error("A message could not be read; it is delivered again.", { error, messageId });
    return { incoming, lane: group ?? "", reason: String(error) };
  }
}

/** Lambda may pass ten thousand records; the number in memory and in one commit remains small. */
const MAX_EVENTS = 100;

/** Decides what could be read and is not behind something that failed. */
async function decideAll(
  deps: BatchDeps,
  handle: HandleEvents,
  { messages, ordered }: { readonly messages: readonly IncomingMessage[]; readonly ordered: boolean },
): Promise<readonly Decided[]> {
  const blocked = new Set<string>();
  const decided: Decided[] = [];
  for (const some of chunk(messages, MAX_EVENTS)) {
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
    const unhandled: DeliveryOutcome = { kind: "retry", reason: reason || "A message before it failed." };
    const outcome = outcomeOf.get(incoming) ?? unhandled;
    if (outcome.kind === "retry" && outcome.refused !== true && lane !== "") blocked.add(lane);
    return { incoming, lane, outcome };
  });
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

/** The facts of an invocation. */
export interface Invocation {
  /** When the function is ended, epoch milliseconds. */
  readonly endsAt?: number;
}

/** Runs a task: a worker's `handle`, of either kind. */
type HandleTask = (delivery: TaskDelivery, invocation: Invocation) => Promise<DeliveryOutcome>;

/**
 * Creates a Lambda handler for the task queue: all records are processed in parallel. It returns the messages that must
 * be delivered again, and never throws because of a record. A call with anything but a batch throws `EVENT_INVALID`.
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
      logger.error("A message is not a task.", { messageId: incoming.messageId, reason: read.reason });
      const settlement = await toPoisonSettlement(incoming, read.reason, policy);
      return toWorked(settlement, { kind: "retry", reason: read.reason });
    }
    const outcome = await tracing.run([findCarrier(incoming.attributes)], () => handle(read.delivery));
    return toWorked(await toSettlement(incoming, outcome, policy), outcome);
  } catch (error) {
    const { messageId } = incoming;
    logger.error("A task could not be processed; its message is delivered again.", { error, messageId });
    const afterMs = retryDelayMs(incoming.deliveries);
    return { outcome: { kind: "retry", reason: String(error) }, afterMs };
  }
}

type Worked = Pick<SettledItem, "outcome" | "afterMs">;

function toWorked(settlement: Settlement, outcome: DeliveryOutcome): Worked {
  if (settlement.kind === "remove") return { outcome: { kind: "done" }, afterMs: undefined };
  return { outcome, afterMs: settlement.afterMs };
}

/** One message of a batch, what became of it, and when it shall come again. */
interface SettledItem extends BatchItem {
  readonly incoming: IncomingMessage;
  /** The time until it is delivered again. Default: its visibility timeout. */
  readonly afterMs: number | undefined;
}

/**
 * Returns the response to a batch. Lambda leaves failed messages hidden until the queue's visibility timeout ends,
 * which is six times the function's timeout; this function shortens it to each message's own delay. If the role does
 * not allow that, the visibility timeout applies: the predecessor's policies lack the action.
 */
async function answerBatch(
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

/**
 * Returns messages to hide, those of a stack together, so that later ones do not overtake the one that failed first.
 */
function toHidden(items: readonly SettledItem[]): readonly HiddenReceipt[] {
  const first = new Map<string, number>();
  return items.flatMap(({ lane, incoming: { receiptHandle }, afterMs, outcome }) => {
    const forMs = first.get(lane) ?? afterMs;
    const isRefused = outcome.kind === "retry" && outcome.refused === true;
    // A manual test call has no receipt.
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

const LATER = "Failed messages are redelivered only after their visibility timeout.";

/**
 * The response of a function to a batch: only these messages are delivered again; `ReportBatchItemFailures` must be on.
 */
export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** One message of a batch and what became of it. */
export interface BatchItem {
  readonly messageId: string;
  /** The stack, or the group of a FIFO queue; empty: it waits for no other message. */
  readonly lane: string;
  readonly outcome: DeliveryOutcome;
}

/**
 * Returns messages that failed, and those of the same stack behind one that could not be processed: they must not
 * overtake it. An event that its stack refuses does not block others.
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

const Texts = Type.Record(Type.String(), Type.Optional(Type.String()));

/**
 * The event with which Lambda calls a function (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html); only the
 * parts that are read.
 */
const SqsEvent = Type.Object({
  Records: Type.Array(
    Type.Object({
      /** Lambda always names it and the queue; events that people write by hand may do neither. */
      messageId: Type.Optional(Type.String({ minLength: 1 })),
      receiptHandle: Type.Optional(Type.String()),
      body: Type.String(),
      attributes: Type.Optional(Texts),
      messageAttributes: Type.Optional(
        Type.Record(Type.String(), Type.Object({ stringValue: Type.Optional(Type.String()) })),
      ),
      eventSourceARN: Type.Optional(Type.String()),
    }),
    { minItems: 1 },
  ),
});
type SqsEvent = Static<typeof SqsEvent>;

const validator = Compile(SqsEvent);

/** A batch of one queue. */
export interface SqsBatch {
  readonly queueArn: string;
  readonly messages: readonly IncomingMessage[];
}

/** Reads the event that Lambda calls a function with. Throws `EVENT_INVALID` for any other one. */
export function parseSqsBatch(event: unknown): SqsBatch {
  if (!validator.Check(event)) {
    const faults = validator.Errors(event).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    const text = `The function was called with no batch of a queue: ${faults.slice(0, 4).join("; ")}.`;
    throw new StackyardError("EVENT_INVALID", `${text} Connect it to its queue by an event source mapping.`);
  }
  const [first] = event.Records;
  return { queueArn: first?.eventSourceARN ?? "", messages: event.Records.map(toIncoming) };
}

function toIncoming(record: SqsEvent["Records"][number]): IncomingMessage {
  const { messageId = madeIdOf(record), receiptHandle, body, attributes = {}, messageAttributes = {} } = record;
  const texts = Object.entries(messageAttributes).map(([name, { stringValue }]) => [name, stringValue] as const);
  const own = { messageId, receiptHandle, body };
  return toIncomingMessage({ ...own, system: attributes, attributes: Object.fromEntries(texts) });
}

const madeIds = new WeakMap<SqsEvent["Records"][number], string>();

/**
 * Returns the generated id of a record. A function and the handler that it calls both read the batch: they must find
 * the same id.
 */
function madeIdOf(record: SqsEvent["Records"][number]): string {
  const id = madeIds.get(record) ?? randomUUID();
  madeIds.set(record, id);
  return id;
}
