import { type BatchResultErrorEntry, PublishBatchCommand, type SNSClient } from "@aws-sdk/client-sns";
import { toAwsError } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";
import type { Announcement } from "./to-announcement.ts";

/** What it works with. */
export interface PublishBatchDeps {
  readonly sns: SNSClient;
  readonly topicArn: string;
  readonly clock: Clock;
}

const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 200;

/**
 * Sends up to ten messages in one call, and those again that the topic did not take, after growing pauses. Throws what SNS
 * answers, `CONFIG_INVALID` where a message is wrong, and `SERVER_ERROR` where some are not taken at last.
 */
export async function publishBatch(deps: PublishBatchDeps, messages: readonly Announcement[]): Promise<void> {
  let left = messages;
  for (let tries = 1; left.length > 0; tries += 1) {
    const failed = await send(deps, left);
    const fault = failed.find(({ SenderFault }) => SenderFault === true);
    if (fault !== undefined) throw refused(deps.topicArn, fault, "CONFIG_INVALID");
    if (failed[0] !== undefined && tries >= MAX_TRIES) throw refused(deps.topicArn, failed[0], "SERVER_ERROR");
    left = failed.flatMap(({ Id }) => left[Number(Id)] ?? []);
    if (left.length > 0) await deps.clock.sleep(FIRST_PAUSE_MS * 2 ** (tries - 1));
  }
}

async function send(
  { sns, topicArn }: PublishBatchDeps,
  messages: readonly Announcement[],
): Promise<readonly BatchResultErrorEntry[]> {
  const entries = messages.map(({ body, attributes }, index) => ({
    Id: String(index),
    Message: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { DataType: "String", StringValue: value }]),
    ),
  }));
  try {
    const command = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries });
    return (await sns.send(command)).Failed ?? [];
  } catch (error) {
    throw toAwsError(error, `The topic ${topicArn} takes no messages.`);
  }
}

/** Only the code: what else SNS says may repeat a message, and messages have secrets. */
function refused(topicArn: string, { Code }: BatchResultErrorEntry, code: "CONFIG_INVALID" | "SERVER_ERROR") {
  return new StackyardError(code, `The topic ${topicArn} did not take a message: ${Code ?? "no reason is given"}.`);
}
