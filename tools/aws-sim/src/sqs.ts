import { createHash, randomUUID } from "node:crypto";
import { jsonFaults } from "./service-faults.ts";
import { findText, type NamedResource, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Standard queues to which messages are sent. Tests that receive messages use an emulator. */
export interface SimSqs {
  readonly service: SimService;
  /** Gives the URL. */
  addQueue(input: NamedResource): string;
  messages(queueUrl: string): readonly QueuedMessage[];
}

/** A message as it lies in a queue. */
interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Queue {
  readonly account: string;
  readonly messages: QueuedMessage[];
}

/** "SendMessage": 1 MiB since August 2025 with attributes. */
const MAX_BYTES = 1_048_576;

/** Creates SQS without queues. Source: API reference (2012-11-05), each operation. */
export function createSqs(): SimSqs {
  const queues = new Map<string, Queue>();
  const open = ({ input, identity, operation }: SimCall): Queue => {
    const queue = queues.get(textOf(input, "QueueUrl"));
    if (queue === undefined) throw new SimFault("QueueDoesNotExist", 400, "The specified queue does not exist.");
    if (queue.account !== identity.account) throw jsonFaults.denied(identity.arn, `sqs:${operation}`);
    return queue;
  };
  return {
    service: {
      operations: {
        SendMessage: (call) => send(open(call), call),
        ChangeMessageVisibility(call) {
          open(call);
          throw new SimFault("InvalidParameterValue", 400, "The receipt handle has expired.");
        },
      },
      toAction: (operation) => `sqs:${operation}`,
      faults: jsonFaults,
    },
    addQueue({ account, region, name }) {
      const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
      queues.set(url, { account, messages: [] });
      return url;
    },
    messages: (url) => queues.get(url)?.messages ?? [],
  };
}

function send({ messages }: Queue, { input }: SimCall): object {
  const body = findText(input, "MessageBody") ?? "";
  if (body === "") throw new SimFault("MissingParameter", 400, "The request must contain the parameter MessageBody.");
  if (Buffer.byteLength(body) > MAX_BYTES) {
    throw new SimFault("InvalidParameterValue", 400, `One or more parameters are invalid: MessageBody is too long.`);
  }
  const sent: readonly (readonly [string, unknown])[] = Object.entries(Object(input["MessageAttributes"]));
  const attributes = Object.fromEntries(sent.map(([name, value]) => [name, String(Object(value).StringValue)]));
  const messageId = randomUUID();
  messages.push({ messageId, body, attributes });
  // Clients compare the digest with that of the message they sent.
  return { MessageId: messageId, MD5OfMessageBody: createHash("md5").update(body).digest("hex") };
}
