import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, Logger, Random } from "@stackyard/core";
import { hashOf } from "./fifo-ids.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { byteSizeOf, type OutgoingMessage } from "./outgoing-message.ts";
import { createQueueSender } from "./queue-sender.ts";
import { MAX_ATTRIBUTES, MAX_QUEUE_BYTES } from "./sqs-limits.ts";
import { toJsonText } from "./to-json-text.ts";

/** The attribute in which a dead letter says why it is one. */
export const REASON_ATTRIBUTE = "stackyard-dead-letter";

/** Why a message was given up. */
export interface DeadLetterReason {
  /** UPPER_SNAKE. */
  readonly code: string;
  readonly reason: string;
}

/** Sends what is given up to a dead-letter queue with its reason, which SQS itself does not note. */
export interface DeadLetters {
  /** True: it lies there, and the delivery is to be acknowledged. False: it could not be sent; it is delivered again. */
  giveUp(incoming: IncomingMessage, why: DeadLetterReason): Promise<boolean>;
}

/** A dead-letter queue. */
export interface DeadLettersInput {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** The queue that the messages come from, for the note. */
  readonly source: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const MAX_REASON_CHARACTERS = 1_024;

/** Gives messages up as they came, their attributes included, so that they can be sent again. */
export function createDeadLetters({ sqs, queueUrl, source, clock, random, logger }: DeadLettersInput): DeadLetters {
  const sender = createQueueSender({ sqs, queueUrl, clock, random, claimChecks: undefined });
  return {
    async giveUp({ messageId, body, attributes, deliveries, groupId }, { code, reason }) {
      const note = {
        code,
        reason: reason.slice(0, MAX_REASON_CHARACTERS),
        at: clock.now(),
        deliveries,
        messageId,
        source,
      };
      try {
        await sender.send([
          {
            body,
            attributes: addReason({ body, attributes }, toJsonText(note)),
            groupId: groupId ?? messageId,
            deduplicationId: hashOf([source, messageId]),
          },
        ]);
        logger.warn("A message was given up.", { code, reason, messageId, queueUrl, source });
        return true;
      } catch (error) {
        logger.error("A message could not be sent to the dead-letter queue; it is delivered again.", {
          error,
          queueUrl,
        });
        return false;
      }
    },
  };
}

/** With the reason where it fits; the log has it in any case. */
function addReason({ body, attributes }: Pick<OutgoingMessage, "body" | "attributes">, reason: string) {
  const more = { ...attributes, [REASON_ATTRIBUTE]: reason };
  const fits = Object.keys(more).length <= MAX_ATTRIBUTES && byteSizeOf({ body, attributes: more }) <= MAX_QUEUE_BYTES;
  return fits ? more : attributes;
}
