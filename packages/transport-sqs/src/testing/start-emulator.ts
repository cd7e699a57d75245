import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";

const REGION = "eu-west-1";
const ACCOUNT = "000000000000";

/** An emulator on a loopback port, with clients that use it. */
export interface Emulator {
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  readonly s3: S3Client;
  /** Creates a queue. Returns its address. */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Creates a topic in front of a queue. Returns its ARN. */
  createTopic(name: string, queueName: string, options: { readonly raw: boolean }): Promise<string>;
  createBucket(name: string): Promise<void>;
  /** Resolves when these clients have no running requests, and begin no more by themselves. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts SQS, SNS and S3 in this process, over real HTTP. */
export async function startEmulator(): Promise<Emulator> {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  const endpoint = `http://127.0.0.1:${address.port}`;
  const common = { endpoint, region: REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const requests = createRequestCount();
  const sqs = new SQSClient({ ...common, maxAttempts: 1 });
  const sns = new SNSClient({ ...common, maxAttempts: 1 });
  const s3 = new S3Client({ ...common, maxAttempts: 1, forcePathStyle: true });
  for (const client of [sqs, sns, s3]) requests.watch(client);
  return {
    sqs,
    sns,
    s3,
    async createQueue(name, attributes = {}) {
      const fifo = name.endsWith(".fifo") ? { FifoQueue: "true" } : {};
      await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...fifo, ...attributes } }));
      return `${endpoint}/${ACCOUNT}/${name}`;
    },
    async createTopic(name, queueName, { raw }) {
      const fifo = name.endsWith(".fifo") ? { FifoTopic: "true" } : {};
      const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: name, Attributes: fifo }));
      const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:${queueName}`;
      const Attributes = { RawMessageDelivery: String(raw) };
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint, Attributes }));
      return TopicArn;
    },
    async createBucket(name) {
      await s3.send(new CreateBucketCommand({ Bucket: name }));
    },
    settle: requests.settle,
    async stop() {
      for (const client of [sqs, sns, s3]) client.destroy();
      await app.close();
    },
  };
}

/** Turns of the event loop without a request after which no more requests are expected. */
const QUIET_TURNS = 5;

function createRequestCount() {
  let open = 0;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    /** Counts the requests of a client. */
    watch<Client extends { send: (...args: never[]) => unknown }>(client: Client): Client {
      const send = client.send.bind(client);
      const counted = async (...args: never[]) => {
        open += 1;
        try {
          return await send(...args);
        } finally {
          open -= 1;
        }
      };
      return Object.assign(client, { send: counted });
    },
    async settle() {
      for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
        await turn();
        if (open > 0) quiet = 0;
      }
    },
  };
}
