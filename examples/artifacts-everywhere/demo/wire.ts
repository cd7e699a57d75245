import { Readable } from "node:stream";
import {
  type AwsSim,
  answerJson,
  answerQuery,
  answerS3,
  answerStates,
  type DoorRequest,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { countMessages, type MessageCounts } from "@stackyard/lambda-host";
import { buildApp } from "fauxqs";

/** AWS at one address of this machine. */
export interface Wire {
  readonly url: string;
  /** Makes reads of a file of the source bucket fail, until the returned function is called. */
  harm(harm: Harm): () => void;
  /** Reads that went wrong so far. */
  readonly harmed: number;
  /** Counts the messages of a queue without a connection. */
  countMessages(queueUrl: string): Promise<MessageCounts>;
  stop(): Promise<void>;
}

/** Which reads fail, how, and how often. */
export interface Harm {
  /** Of the file's key. */
  readonly key: string;
  readonly kind: "truncated" | "wrong bytes";
  /** Whose reads, by the id of their key. */
  readonly reader: string;
  /** Default: all of them. */
  readonly times?: number;
}

type Answer = ReturnType<typeof answerS3>;
type HttpAnswer = Awaited<ReturnType<Answer>>;

/**
 * Opens the wire: SNS and SQS are an emulator of their protocols; S3, EventBridge, Step Functions and STS are those of
 * the simulation.
 */
export async function openWire(sim: AwsSim, sourceBucket: string): Promise<Wire> {
  const queues = buildApp({ logger: false });
  await queues.listen({ host: "127.0.0.1", port: 0 });
  const address = queues.server.address();
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  const harms = new Set<{ readonly harm: Harm; left: number }>();
  const state = { harmed: 0 };
  const plain = answerS3(sim);

  async function answerSource(request: DoorRequest): Promise<HttpAnswer> {
    const answer = await plain(request);
    const found = [...harms].find(({ harm, left }) => left > 0 && isMeant(request, harm, sourceBucket));
    if (found === undefined || answer.stream === undefined) return answer;
    found.left -= 1;
    state.harmed += 1;
    return { ...answer, stream: Readable.from(spoil(answer.stream, found.harm.kind), { objectMode: false }) };
  }

  const door = await openFrontDoor({
    services: {
      s3: answerSource,
      events: answerJson(sim, "EventBridge"),
      states: answerStates(sim),
      sts: answerQuery(sim, "STS"),
    },
    others: `http://127.0.0.1:${address.port}`,
  });
  return {
    url: door.url,
    harm(harm) {
      const entry = { harm, left: harm.times ?? Number.POSITIVE_INFINITY };
      harms.add(entry);
      return () => void harms.delete(entry);
    },
    countMessages: (queueUrl) => countMessages(queues, queueUrl),
    get harmed() {
      return state.harmed;
    },
    async stop() {
      await door.stop();
      // Long polls would delay the end.
      queues.server.closeAllConnections();
      await queues.close();
    },
  };
}

/** Clients of the SDK name the bucket in the path. */
function isMeant({ method, path, accessKeyId }: DoorRequest, { key, reader }: Harm, bucket: string): boolean {
  const asked = decodeURIComponent(path.split("?")[0] ?? "");
  return method === "GET" && accessKeyId === reader && asked === `/${bucket}/${key}`;
}

/** Returns half of the body and then nothing more, or all of it with one bit flipped. */
async function* spoil(stream: Readable, kind: Harm["kind"]): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  const whole = Buffer.concat(chunks);
  if (kind === "truncated") {
    yield whole.subarray(0, Math.floor(whole.length / 2));
    throw new Error("The connection broke.");
  }
  whole.writeUInt8(whole.readUInt8(0) ^ 1, 0);
  yield whole;
}
