import type { SQSClient } from "@aws-sdk/client-sqs";
import type { EventOf } from "@stackyard/core/machine";
import type { MachineEvents, Publisher } from "../publisher.ts";
import { createSender } from "./create-sender.ts";
import { isFifo, toFifoIds } from "./fifo-ids.ts";
import type { SenderOptions } from "./sender-options.ts";
import { toAttributes } from "./to-attributes.ts";

/** The event queue of a yard. */
export interface QueuePublisherOptions extends SenderOptions {
  readonly sqs: SQSClient;
  /** Ends in `.fifo` for a FIFO queue. */
  readonly queueUrl: string;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html: of a message and of a batch. */
const MAX_BYTES = 1_048_576;
/** Left for the trace context of ten entries. */
const TRACE_BYTES = 10_240;

/**
 * Publishes straight into a yard's event queue, without a server; the caller needs `sqs:SendMessage`. Events are sent in
 * batches of ten; an id that is left out is made before the first try, so a repeat is applied once. Errors: `UNREACHABLE`,
 * `RATE_LIMITED` (publish again), `FORBIDDEN`, `CONFIG_INVALID`, `INTERRUPTED`.
 */
export function createQueuePublisher<Machine extends MachineEvents = MachineEvents>(
  options: QueuePublisherOptions,
): Publisher<EventOf<Machine>> {
  const { sqs, queueUrl } = options;
  const ordered = isFifo(queueUrl);
  return createSender(
    {
      name: `the queue ${queueUrl}`,
      limits: { maxBytes: MAX_BYTES - TRACE_BYTES, ordered },
      async send(entries, { abortSignal, trace }) {
        const { SendMessageBatchCommand } = await import("@aws-sdk/client-sqs");
        const Entries = entries.map((entry) => ({
          Id: entry.Id,
          MessageBody: entry.body,
          ...toAttributes(trace),
          ...(ordered ? toFifoIds(entry) : {}),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }), {
          abortSignal,
        });
        return Failed;
      },
    },
    options,
  );
}
