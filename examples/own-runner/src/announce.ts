import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { defineExecutor, succeeded } from "@stackyard/core";
import { Type } from "typebox";

/** Publishes the state of a stack to a topic, which can forward it to chats and mailboxes. */
export const announce = defineExecutor({
  name: "announce",
  config: Type.Object(
    {
      topic: Type.String({ pattern: "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$" }),
      text: Type.String({ minLength: 1, maxLength: 1_000 }),
    },
    { additionalProperties: false },
  ),
  outputs: Type.Object({ messageId: Type.String() }),

  // A client for the task's target: another account, through its role, where the task names one.
  async start(ctx, { topic, text }) {
    const publish = new PublishCommand({ TopicArn: topic, Subject: ctx.stackId, Message: text });
    const { MessageId: messageId = "" } = await ctx.aws(SNSClient).send(publish, { abortSignal: ctx.signal });
    ctx.report(`Announced as ${messageId}`);
    return succeeded({ messageId });
  },
});
