import { isMap } from "@stackyard/core";
import type { MessageCounts } from "./queue-calls.ts";

/** An emulator of SQS in this process that can be asked without a connection (`inject` of Fastify). */
interface InProcessEmulator {
  inject(request: {
    readonly method: "POST";
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly payload: string;
  }): Promise<{ json(): unknown }>;
}

/** Counts the messages of a queue without a connection, for `countMessages` of a host. */
export async function countMessages(emulator: InProcessEmulator, QueueUrl: string): Promise<MessageCounts> {
  const response = await emulator.inject({
    method: "POST",
    url: "/",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.GetQueueAttributes" },
    payload: JSON.stringify({ QueueUrl, AttributeNames: ["All"] }),
  });
  const answer = response.json();
  const attributes = isMap(answer) && isMap(answer["Attributes"]) ? answer["Attributes"] : {};
  return {
    visible: Number(attributes["ApproximateNumberOfMessages"]),
    hidden: Number(attributes["ApproximateNumberOfMessagesNotVisible"]),
  };
}
