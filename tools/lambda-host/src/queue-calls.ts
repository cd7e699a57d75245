import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { SQS_LIMITS } from "./function-input.ts";

/** What an event source mapping asks of a queue: receive, delete and its attributes, which is what the function's role must allow. */
export interface QueueCalls {
  /** Waits up to twenty seconds for up to so many messages; none: none came, or the signal ended it. */
  receive(max: number, signal: AbortSignal): Promise<readonly Message[]>;
  delete(messages: readonly Message[]): Promise<void>;
  /** Makes messages visible: time is the host's, so the host ends their visibility timeouts. */
  reveal(messages: readonly Message[]): Promise<void>;
  loadAttributes(): Promise<QueueAttributes>;
}

/** Messages of a queue: those that a receiver would get now, and those that one has. */
export interface MessageCounts {
  readonly visible: number;
  readonly hidden: number;
}

/** What is known of a queue. */
export interface QueueAttributes extends MessageCounts {
  readonly arn: string;
  readonly visibilityMs: number;
}

/** Creates the calls of one queue. */
export function createQueueCalls(sqs: SQSClient, queueUrl: string): QueueCalls {
  const QueueUrl = queueUrl;
  return {
    async receive(max, signal) {
      const input = {
        QueueUrl,
        MaxNumberOfMessages: max,
        WaitTimeSeconds: SQS_LIMITS.maxWaitSeconds,
        // The host counts the queue's own timeout on its clock; this one only has to be longer.
        VisibilityTimeout: SQS_LIMITS.maxVisibilitySeconds,
        MessageSystemAttributeNames: ["All" as const],
        MessageAttributeNames: ["All"],
      };
      try {
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(input), { abortSignal: signal });
        return Messages;
      } catch (error) {
        if (signal.aborted) return [];
        throw error;
      }
    },
    async delete(messages) {
      if (messages.length === 0) return;
      const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    },
    async reveal(messages) {
      if (messages.length === 0) return;
      const Entries = messages.map(({ ReceiptHandle }, index) => {
        return { Id: String(index), ReceiptHandle, VisibilityTimeout: 0 };
      });
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    },
    async loadAttributes() {
      const AttributeNames = ["All" as const];
      const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return {
        arn: Attributes["QueueArn"] ?? "",
        visibilityMs: Number(Attributes["VisibilityTimeout"]) * 1_000,
        visible: Number(Attributes["ApproximateNumberOfMessages"]),
        hidden: Number(Attributes["ApproximateNumberOfMessagesNotVisible"]),
      };
    },
  };
}
