import { type DryCall, judgeDryCalls, tryDryCall } from "./dry-call.ts";
import { listTableCalls } from "./dry-table-calls.ts";
import type { Finding } from "./finding.ts";
import type { YardScene } from "./yard-scene.ts";

/** Tries by calls that do nothing whether whoever looks may do what commands do. Never throws. */
export async function checkPermissions(scene: YardScene): Promise<readonly Finding[]> {
  const calls = [await findSendCall(scene), ...(await findTableCalls(scene))];
  return judgeDryCalls(await Promise.all(calls.filter((call) => call !== undefined).map(tryDryCall)));
}

/** A batch without entries, which both services refuse. */
async function findSendCall({ parts, aws }: YardScene): Promise<DryCall | undefined> {
  const purpose = "sending events";
  const { eventTopicArn, queues } = parts;
  if (eventTopicArn !== undefined) {
    const { PublishBatchCommand, SNSClient } = await import("@aws-sdk/client-sns");
    const command = new PublishBatchCommand({ TopicArn: eventTopicArn, PublishBatchRequestEntries: [] });
    const call = () => aws.client(SNSClient, undefined).send(command);
    return { action: "sns:Publish", resource: eventTopicArn, purpose, call };
  }
  const { events } = queues;
  if (events === undefined) return undefined;
  const { SendMessageBatchCommand, SQSClient } = await import("@aws-sdk/client-sqs");
  const command = new SendMessageBatchCommand({ QueueUrl: events, Entries: [] });
  return {
    action: "sqs:SendMessage",
    resource: events,
    purpose,
    call: () => aws.client(SQSClient, undefined).send(command),
  };
}

async function findTableCalls({ parts, aws }: YardScene): Promise<readonly DryCall[]> {
  // Of a database the server says at the opening what is not allowed.
  if (parts.store.kind !== "dynamodb") return [];
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { table, workTable = `${table}-work` } = parts.store;
  return listTableCalls(aws.client(DynamoDBClient, undefined), { stacks: table, work: workTable });
}
