import { type Message, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { createQueueCalls } from "./queue-calls.ts";
import { toBatchAnswer, toSqsEvent } from "./sqs-events.ts";

/**
 * Invokes a function once with up to ten visible messages of a queue, as an event source mapping with
 * `ReportBatchItemFailures` does: what succeeded is deleted, the rest is visible again at once. Returns the messages; an empty
 * list if none was visible.
 */
export async function deliverBatch(
  sqs: SQSClient,
  queueUrl: string,
  handler: (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>,
): Promise<readonly Message[]> {
  const calls = createQueueCalls(sqs, queueUrl);
  const { arn } = await calls.loadAttributes();
  const receive = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All" as const] };
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ ...receive, MessageAttributeNames: ["All"] }));
  if (Messages.length === 0) return [];
  const answer = await handler(toSqsEvent(Messages, arn), { getRemainingTimeInMillis: () => 120_000 });
  const ids = Messages.map(({ MessageId = "" }) => MessageId);
  const result = toBatchAnswer(answer, ids, true);
  if (result.kind === "all-failed") throw new Error(result.why);
  const { failed } = result;
  await calls.reveal(Messages.filter(({ MessageId = "" }) => failed.has(MessageId)));
  await calls.delete(Messages.filter(({ MessageId = "" }) => !failed.has(MessageId)));
  return Messages;
}
