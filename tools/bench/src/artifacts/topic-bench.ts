import { CreateTopicCommand, PublishBatchCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { MessageRecord } from "@stackyard/consumer";
import { CREDENTIALS, REGION } from "../aws/emulators.ts";
import { CONSUMER } from "./message-place.ts";

/** A topic with one consumer's queue behind its filter, on an emulator. */
export interface TopicBench {
  readonly sns: SNSClient;
  readonly topicArn: string;
  /** Takes all that has arrived from the queue. */
  drain(): Promise<readonly MessageRecord[]>;
  /** Sends the same bodies and attributes, ten a call, one call after the other. */
  sendBare(records: readonly MessageRecord[]): Promise<void>;
  end(): void;
}

/** Creates both. */
export async function createTopicBench(endpoint: string): Promise<TopicBench> {
  const options = { endpoint, region: REGION, credentials: CREDENTIALS };
  const [sns, sqs] = [new SNSClient(options), new SQSClient(options)];
  const { TopicArn: topicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "artifacts" }));
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "consumer" }));
  const asked = { QueueUrl, AttributeNames: ["QueueArn" as const] };
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand(asked));
  const filter = { account: ["ALL", CONSUMER.account], region: ["ALL", CONSUMER.region] };
  await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn,
      Protocol: "sqs",
      Endpoint: Attributes["QueueArn"],
      Attributes: { RawMessageDelivery: "true", FilterPolicy: JSON.stringify(filter) },
    }),
  );
  return {
    sns,
    topicArn,
    drain: () => drain(sqs, QueueUrl),
    sendBare: (records) => sendBare(sns, topicArn, records),
    end() {
      sns.destroy();
      sqs.destroy();
    },
  };
}

async function sendBare(sns: SNSClient, TopicArn: string, records: readonly MessageRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += 10) {
    const PublishBatchRequestEntries = records.slice(at, at + 10).map(({ body, messageAttributes = {} }, index) => ({
      Id: String(index),
      Message: body,
      MessageAttributes: Object.fromEntries(
        Object.entries(messageAttributes).map(([name, { stringValue }]) => [
          name,
          { DataType: "String", StringValue: stringValue },
        ]),
      ),
    }));
    await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
  }
}

async function drain(sqs: SQSClient, QueueUrl: string): Promise<readonly MessageRecord[]> {
  const records: MessageRecord[] = [];
  for (;;) {
    const input = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"], WaitTimeSeconds: 0 };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(input));
    if (Messages.length === 0) return records;
    for (const { Body = "", MessageId = "", MessageAttributes = {} } of Messages) {
      const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [
        name,
        { stringValue: StringValue },
      ]);
      records.push({ body: Body, messageId: MessageId, messageAttributes: Object.fromEntries(attributes) });
    }
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}
