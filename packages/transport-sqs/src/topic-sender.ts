import type { PublishBatchRequestEntry, SNSClient } from "@aws-sdk/client-sns";
import type { Clock, Random } from "@stackyard/core";
import { type ClaimChecks, checkLarge } from "./claim-check.ts";
import { isFifo } from "./fifo-ids.ts";
import { toTextAttributes } from "./outgoing-message.ts";
import { type BatchEntry, type FailedEntry, sendInWaves } from "./send-in-waves.ts";
import type { Sender } from "./sender.ts";
import { MAX_TOPIC_BYTES } from "./sqs-limits.ts";
import { toStackyardError } from "./to-stackyard-error.ts";

/** A topic in front of queues. */
export interface TopicSenderInput {
  readonly sns: SNSClient;
  readonly topicArn: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly claimChecks: ClaimChecks | undefined;
}

/** Publishes to one topic, in batches of ten. Topics delay nothing. */
export function createTopicSender(input: TopicSenderInput): Sender {
  const { topicArn, claimChecks, clock, random } = input;
  const ordered = isFifo(topicArn);
  return {
    async send(messages) {
      const limits = { claimChecks, maxBytes: MAX_TOPIC_BYTES };
      const checked = await Promise.all(messages.map((message) => checkLarge(message, limits)));
      await sendInWaves(
        {
          target: `topic ${topicArn}`,
          maxBytes: MAX_TOPIC_BYTES,
          ordered,
          clock,
          random,
          sendBatch: (entries) =>
            publishBatch(
              input,
              entries.map((entry) => toTopicEntry(entry, ordered)),
            ),
        },
        checked,
      );
    },
  };
}

function toTopicEntry({ id, message }: BatchEntry, ordered: boolean): PublishBatchRequestEntry {
  const { body, attributes, groupId, deduplicationId } = message;
  return {
    Id: id,
    Message: body,
    ...(Object.keys(attributes).length === 0 ? {} : { MessageAttributes: toTextAttributes(attributes) }),
    ...(ordered ? { MessageGroupId: groupId, MessageDeduplicationId: deduplicationId } : {}),
  };
}

/** The SDK is loaded by the first publication, so that yards without a topic start without it. */
async function publishBatch(
  { sns, topicArn }: TopicSenderInput,
  PublishBatchRequestEntries: PublishBatchRequestEntry[],
): Promise<readonly FailedEntry[]> {
  const { PublishBatchCommand } = await import("@aws-sdk/client-sns");
  try {
    const { Failed = [] } = await sns.send(new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries }));
    return Failed;
  } catch (error) {
    throw toStackyardError(error, `Publishing to the topic ${topicArn}`);
  }
}
