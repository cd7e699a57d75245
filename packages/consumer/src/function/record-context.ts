import type { Logger } from "@stackyard/core";
import type { ArtifactMessage } from "../artifact-message.ts";
import { type ReceiptOutcome, toReceipt } from "../receipt.ts";
import { toReceiptEvent } from "./consumer-events.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { EventSender } from "./event-sender.ts";
import { hideSecretsIn } from "./hide-secrets.ts";
import type { KnownArtifacts } from "./known-artifacts.ts";
import { type ParkingReason, parkMessage, toParkedText } from "./park-message.ts";
import { type SqsRecord, toAttempt } from "./sqs-event.ts";
import type { TornMessage } from "./torn-message.ts";

/** What all records of a process share. */
export interface ConsumerDeps extends ConsumerOptions {
  readonly logger: Logger;
  readonly known: KnownArtifacts;
  /** Undefined: there is no bus. */
  readonly events: EventSender | undefined;
}

/** One delivery of one message. */
export interface RecordContext {
  readonly deps: ConsumerDeps;
  readonly record: SqsRecord;
  readonly startedAt: number;
  /** As Lambda names the call. */
  readonly invocationId?: string | undefined;
  /** When the invocation ends, in epoch milliseconds. */
  readonly deadlineAt: number;
}

/** `again`: the queue is to deliver it once more; `soon`: it got on, and only its time was over. */
export type RecordEnd = "done" | "again" | "soon";

/** Tells the distributor. A receipt that is lost fails nothing: the object stands, and the next delivery answers `present`. */
export async function sendReceipt(
  { deps, record, startedAt }: RecordContext,
  message: ArtifactMessage | undefined,
  outcome: ReceiptOutcome,
  torn?: TornMessage,
): Promise<void> {
  const { account, region } = deps.config;
  const receipt = toReceipt(
    {
      consumer: { account, region, bucket: deps.bucket },
      message,
      messageId: record.messageId,
      attempt: toAttempt(record),
      startedAt,
      endedAt: deps.clock.now(),
    },
    outcome,
  );
  if (torn === undefined) return void (await deps.events?.send(toReceiptEvent(receipt)));
  const { distributionId, ...artifact } = torn;
  await deps.events?.send(
    toReceiptEvent({ ...receipt, distributionId, artifact: { ...receipt.artifact, ...artifact } }),
  );
}

/** Gives a message up: parked, then told, then acknowledged. Throws when it could not be parked, so that it comes again. */
export async function giveUp(
  context: RecordContext,
  status: "failed" | "rejected",
  why: ParkingReason,
  told: { readonly message?: ArtifactMessage; readonly torn?: TornMessage },
): Promise<"done"> {
  const { deps, record } = context;
  const { parkingQueueUrl, clients, config, bucket, clock, logger } = deps;
  const { account, region, topicArn } = config;
  logger.error(`A message was ${status === "failed" ? "given up" : "rejected"}.`, toFields(context, why));
  if (parkingQueueUrl !== undefined) {
    const at = new Date(clock.now()).toISOString();
    await parkMessage(
      clients.sqs,
      parkingQueueUrl,
      toParkedText(record, why, { account, region, bucket, topicArn, at }),
    );
  }
  await sendReceipt(context, told.message, { status, code: why.code }, told.torn);
  return "done";
}

/** What lines of the log tell of a record. */
export function toFields(
  { record, invocationId }: RecordContext,
  fields: object = {},
): Readonly<Record<string, unknown>> {
  const call = invocationId === undefined ? {} : { invocationId };
  return { ...call, messageId: record.messageId, attempt: toAttempt(record), ...Object(hideSecretsIn(fields)) };
}
