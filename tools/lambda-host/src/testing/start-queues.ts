import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";

/** SQS over HTTP, on a loopback port. */
export interface Queues {
  readonly sqs: SQSClient;
  readonly url: string;
  /** Makes a queue. Gives its address. */
  create(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Sends bodies, in order; of a FIFO queue into the group that is before the colon of each. */
  send(queueUrl: string, ...bodies: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it in this process. */
export async function startQueues(): Promise<Queues> {
  const app = buildApp({ logger: false, defaultRegion: "eu-west-1" });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint: url, region: "eu-west-1", credentials, maxAttempts: 1 });
  return {
    sqs,
    url,
    async create(QueueName, attributes = {}) {
      const fifo = QueueName.endsWith(".fifo") ? { FifoQueue: "true" } : {};
      await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { ...fifo, ...attributes } }));
      return `${url}/000000000000/${QueueName}`;
    },
    async send(QueueUrl, ...bodies) {
      for (const MessageBody of bodies) {
        const group = { MessageGroupId: MessageBody.split(":")[0], MessageDeduplicationId: MessageBody };
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...(QueueUrl.endsWith(".fifo") ? group : {}) }));
      }
    },
    async stop() {
      sqs.destroy();
      await app.close();
    },
  };
}
