import type { SNSClient } from "@aws-sdk/client-sns";
import type { EventOf } from "@stackyard/core/machine";
import type { MachineEvents, Publisher } from "../publisher.ts";
import { createSender } from "./create-sender.ts";
import { isFifo, toFifoIds } from "./fifo-ids.ts";
import type { SenderOptions } from "./sender-options.ts";
import { toAttributes } from "./to-attributes.ts";

/** A topic that the event queues of yards are subscribed to. */
export interface TopicPublisherOptions extends SenderOptions {
  readonly sns: SNSClient;
  /** Ends in `.fifo` for a FIFO topic. */
  readonly topicArn: string;
}

/** https://docs.aws.amazon.com/general/latest/gr/sns.html: of a message and of a batch. */
const MAX_BYTES = 262_144;
/** Left for the trace context of ten entries. */
const TRACE_BYTES = 10_240;

/** As `createQueuePublisher`, by way of a topic; the caller needs `sns:Publish`. */
export function createTopicPublisher<Machine extends MachineEvents = MachineEvents>(
  options: TopicPublisherOptions,
): Publisher<EventOf<Machine>> {
  const { sns, topicArn } = options;
  const ordered = isFifo(topicArn);
  return createSender(
    {
      name: `the topic ${topicArn}`,
      limits: { maxBytes: MAX_BYTES - TRACE_BYTES, ordered },
      async send(entries, { abortSignal, trace }) {
        const { PublishBatchCommand } = await import("@aws-sdk/client-sns");
        const PublishBatchRequestEntries = entries.map((entry) => ({
          Id: entry.Id,
          Message: entry.body,
          ...toAttributes(trace),
          ...(ordered ? toFifoIds(entry) : {}),
        }));
        const request = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries });
        const { Failed = [] } = await sns.send(request, { abortSignal });
        return Failed;
      },
    },
    options,
  );
}
