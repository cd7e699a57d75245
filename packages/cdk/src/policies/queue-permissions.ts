import { allow, type Statement } from "./statement.ts";

/** What Lambda needs as with `readByLambda`, plus what the function needs to set when a failed message comes again. */
export function workByLambda(sid: string, queueArn: string): Statement {
  return allow(sid, [...READ_ACTIONS, "sqs:ChangeMessageVisibility"], queueArn);
}

/**
 * What Lambda needs to read a queue with a function's role; the function itself neither reads nor hides messages.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
 */
export function readByLambda(sid: string, queueArn: string): Statement {
  return allow(sid, READ_ACTIONS, queueArn);
}

const READ_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] as const;

/** What a container needs, which keeps a message hidden while it runs the task. */
export function readByContainer(sid: string, queueArn: string): Statement {
  return allow(sid, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], queueArn);
}

/** Sends messages, individually or in batches. */
export function sendTo(sid: string, queueArn: string): Statement {
  return allow(sid, ["sqs:SendMessage"], queueArn);
}
