import { createHash, randomBytes } from "node:crypto";
import {
  type AwsSim,
  answerJson,
  answerS3,
  createAwsSim,
  type DoorRequest,
  type FrontDoor,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { createMortalLambda, type MortalLambda } from "@stackyard/lambda-host";
import { placeCode } from "./place-code.ts";

const DISTRIBUTOR = { account: "111122223333", region: "eu-west-1" } as const;
const CONSUMER = { account: "444455556666", region: "eu-central-1" } as const;
const MIB = 1_024 ** 2;
const PART_BYTES = 8 * MIB;
const [SOURCE, OWN] = ["dist-bucket", "own-bucket"] as const;

/** The function's role is new: its first calls are denied. */
const IAM_DELAY_MS = 3_000;

/** An announced file of an artifact. */
export interface Announced {
  readonly key: string;
  readonly body: Buffer;
  /** The event that Lambda passes on each attempt. */
  readonly event: object;
}

/** A deployed consumer, and the bucket and bus of its distributor, all at one address. */
export interface Account {
  readonly sim: AwsSim;
  readonly door: FrontDoor;
  readonly lambda: MortalLambda;
  /** Publishes a file with the given number of 8 MiB parts. */
  announce(name: string, parts: number): Announced;
  /** Receipts of a file, in order. */
  receipts(key: string): readonly Readonly<Record<string, unknown>>[];
  /** Returns how often an operation of S3 was served for a file. */
  count(operation: string, key: string, partNumber?: number): number;
  stored(key: string): Buffer | undefined;
  /** Resolves when the consumer has recorded the part as sent. */
  noted(key: string, partNumber: number): Promise<void>;
  openUploads(key: string): number;
  stop(): Promise<void>;
}

/** Starts it. The function has the permissions in its package's README, and no others. */
export async function startAccount(allow: readonly string[]): Promise<Account> {
  const sim = createAwsSim({ clock: systemClock, iamDelayMs: IAM_DELAY_MS });
  const credentials = sim.iam.addUser({ ...CONSUMER, name: "copy", allow });
  sim.s3.createBucket({ ...DISTRIBUTOR, name: SOURCE, sharedWith: [CONSUMER.account] });
  sim.s3.createBucket({ ...CONSUMER, name: OWN, versioned: true });
  const bus = sim.eventBridge.addBus({ ...DISTRIBUTOR, name: "stackyard-receipts", allows: [CONSUMER.account] });
  const services = { s3: answerS3(sim), events: answerJson(sim, "EventBridge"), sqs: answerJson(sim, "SQS") };
  const notes = createNotes(sim);
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1", onExchange: notes.onExchange });
  const code = await placeCode("copy");
  const environment = {
    AWS_REGION: CONSUMER.region,
    AWS_ENDPOINT_URL: door.url,
    TRANSFER: "identity",
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    CONSUMER_ACCOUNT_ID: CONSUMER.account,
    CONSUMER_REGION: CONSUMER.region,
    ARTIFACTS_BUCKET: OWN,
    DISTRIBUTOR_BUCKET: SOURCE,
    DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:111122223333:topic",
    RECEIPT_BUS: bus,
    PARKING_QUEUE_URL: sim.sqs.addQueue({ ...CONSUMER, name: "parking" }),
  };
  const lambda = createMortalLambda({ bundle: code.bundle, remainingMs: 60_000, isSilent: true, environment });
  return {
    sim,
    door,
    lambda,
    announce: (name, parts) => announce(sim, name, parts),
    receipts: (key) => receiptsOf(sim).filter(({ artifact }) => Object(artifact).key === key),
    count: (operation, key, partNumber) =>
      sim.calls.filter(({ operation: served, input }) => {
        const isPart = partNumber === undefined || Number(input["PartNumber"]) === partNumber;
        return served === `S3.${operation}` && input["Bucket"] === OWN && input["Key"] === key && isPart;
      }).length,
    stored: (key) => sim.s3.findObject(OWN, key)?.body,
    noted: notes.noted,
    openUploads: (key) => sim.s3.uploads(OWN).filter((upload) => upload.key === key).length,
    async stop() {
      lambda.stop();
      await Promise.all([door.stop(), code.remove()]);
    },
  };
}

/** Creates the records that the consumer stores about its copies. */
function createNotes(sim: AwsSim): Pick<Account, "noted"> & { onExchange(request: DoorRequest): void } {
  const waiting = new Set<{ isNoted(value: Readonly<Record<string, unknown>>): boolean; resolve(): void }>();
  return {
    onExchange({ method, path }) {
      const [, key] = new RegExp(`^/${OWN}/(\\.stackyard/copy/[^?]+)`).exec(decodeURIComponent(path)) ?? [];
      const written = key !== undefined && method === "PUT" ? sim.s3.findObject(OWN, key) : undefined;
      const { value } = JSON.parse(written?.body.toString() ?? "{}");
      for (const each of waiting) {
        if (!each.isNoted(Object(value))) continue;
        waiting.delete(each);
        each.resolve();
      }
    },
    noted: (key, partNumber) =>
      new Promise((resolve) => {
        const isNoted = ({ key: noted, upload }: Readonly<Record<string, unknown>>) =>
          noted === key && Boolean(Object(upload).etags?.[partNumber - 1]);
        waiting.add({ isNoted, resolve });
      }),
  };
}

function announce(sim: AwsSim, name: string, parts: number): Announced {
  const key = `${name}/1.0.0/app.bin`;
  const manifestKey = `${name}/1.0.0/manifest.json`;
  const body = Buffer.concat(Array.from({ length: parts }, () => randomBytes(PART_BYTES)));
  const file = { key, size: body.length, sha256: digestOf(body), contentType: "application/octet-stream" };
  const digests = Array.from({ length: parts }, (_, index) => {
    return { size: PART_BYTES, sha256: digestOf(body.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)) };
  });
  const manifest = JSON.stringify({ v: 1, name, version: "1.0.0", files: [{ ...file, parts: digests }] });
  sim.s3.write(SOURCE, key, body);
  sim.s3.write(SOURCE, manifestKey, manifest);
  const message = {
    v: 2,
    ArtifactKey: key,
    ArtifactUrl: toUrl(key),
    distributionId: `distribution-${name}`,
    sequence: 1,
    artifact: { name, version: "1.0.0", size: file.size, sha256: file.sha256, contentType: file.contentType },
    source: { ...DISTRIBUTOR, bucket: SOURCE },
    target: { account: "ALL", region: "ALL" },
    manifest: { key: manifestKey, sha256: digestOf(Buffer.from(manifest)) },
  };
  const record = { messageId: `message-${name}`, body: JSON.stringify(message), attributes: {} };
  return { key, body, event: { Records: [record] } };
}

/** Returns a URL with an invalid signature: the function reads with its role. */
function toUrl(key: string): string {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Date": at,
    "X-Amz-Expires": "3600",
    "X-Amz-Credential": `AKIAEXAMPLE/${at.slice(0, 8)}/${DISTRIBUTOR.region}/s3/aws4_request`,
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0".repeat(64),
  });
  return `https://${SOURCE}.s3.${DISTRIBUTOR.region}.amazonaws.com/${key}?${query}`;
}

function receiptsOf(sim: AwsSim): readonly Readonly<Record<string, unknown>>[] {
  return sim.eventBridge.waiting
    .filter((event) => event["detail-type"] === "artifact.receipt")
    .map(({ detail }) => Object(detail));
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
