import { StackyardError } from "@stackyard/core";
import { onCall } from "../calls/on-call.ts";
import { onReceipt } from "../cells/on-receipt.ts";
import { runSetStep } from "../initial-set/run-set-step.ts";
import { parseSetTask } from "../initial-set/set-input.ts";
import { toDropLine } from "../sweep/to-metric-lines.ts";
import type { Turn } from "./distributor-context.ts";
import { onSchedule } from "./on-schedule.ts";
import type { OpenDistributor } from "./open-distributor.ts";
import { type DistributorEvent, parseBody, parseEvent, type StampedEvent, type WrittenObject } from "./parse-event.ts";

/** Takes one event, or each of a batch: one that fails does not lose the others. */
export async function handleEvent(open: OpenDistributor, event: unknown, turn: Turn): Promise<unknown> {
  const parsed = parseEvent(event);
  if (parsed.kind === "messages") return takeMessages(open, parsed.messages, turn);
  if (parsed.kind === "notifications") {
    await takeAll(parsed.bodies, (body) => take(open, parseBody(body), turn));
    return undefined;
  }
  return take(open, parsed, turn);
}

async function take(open: OpenDistributor, event: DistributorEvent, turn: Turn): Promise<unknown> {
  const { context } = open;
  switch (event.kind) {
    case "objects":
      return takeObjects(open, event, turn);
    case "consumer":
      return takeConsumerEvent(open, event.event);
    case "schedule":
      return onSchedule(context, (each) => open.resume(each), turn);
    case "set":
      return takeSetTask(open, event.task, turn);
    case "call":
      return onCall(context, event.request);
    case "nothing":
      return undefined;
    default:
      throw new StackyardError("EVENT_INVALID", "The event is none that a distributor knows.");
  }
}

/** What cannot be read fails the event when all else is done: where failed events end, somebody can look at it. */
async function takeObjects(
  open: OpenDistributor,
  { objects, faulty }: DistributorEvent & { readonly kind: "objects" },
  turn: Turn,
): Promise<readonly unknown[]> {
  const { logger, clock, write } = open.context;
  if (faulty > 0) {
    logger.error("a notification has records that cannot be read", { code: "EVENT_INVALID", records: faulty });
    write(toDropLine("EVENT_INVALID", clock.now()));
  }
  const outcomes = await takeAll(objects, (object) => takeObject(open, object, turn));
  if (faulty === 0) return outcomes;
  throw new StackyardError("EVENT_INVALID", `${faulty} records of the notification cannot be read.`);
}

async function takeObject(open: OpenDistributor, object: WrittenObject, turn: Turn): Promise<unknown> {
  // A rule may bring events of other buckets.
  if (object.bucket !== open.context.config.bucket) return { kind: "ignored" };
  return open.takeObject(object, turn);
}

async function takeConsumerEvent({ context, refresher }: OpenDistributor, event: StampedEvent): Promise<unknown> {
  const isRefresh = event["detail-type"] === "artifact.refresh";
  const outcome = isRefresh ? await refresher.onRefresh(event) : await onReceipt(context, event);
  if (outcome.kind !== "dropped") return outcome;
  const { code } = outcome;
  context.logger.warn("an event of a consumer was dropped", {
    code,
    account: event.account,
    type: event["detail-type"],
  });
  context.write(toDropLine(code, context.clock.now()));
  return outcome;
}

async function takeSetTask({ context }: OpenDistributor, event: unknown, turn: Turn): Promise<unknown> {
  const parsed = parseSetTask(event);
  if (parsed.kind === "task") return runSetStep(context, parsed.task, turn);
  const { code, message } = parsed;
  context.logger.warn(message);
  return { kind: "failed", code, message, askedAt: context.clock.now() };
}

/** "Reporting batch item failures for Lambda functions with an Amazon SQS trigger". */
async function takeMessages(
  open: OpenDistributor,
  messages: readonly { readonly id: string; readonly body: string }[],
  turn: Turn,
): Promise<{ readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }> {
  const failed: string[] = [];
  for (const { id, body } of messages) {
    try {
      await take(open, parseBody(body), turn);
    } catch (error) {
      open.context.logger.error("a message could not be worked, and stays in its queue", { messageId: id, error });
      failed.push(id);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

async function takeAll<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(items.map(work));
  const failure = settled.find((each) => each.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}
