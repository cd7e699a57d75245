import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createS3Records } from "@stackyard/aws/s3";
import {
  type CopyInput,
  createCollector,
  createCopier,
  createCopyMemory,
  createSourceFetch,
} from "@stackyard/consumer/function";
import { systemClock } from "@stackyard/core/engine";
import { CREDENTIALS } from "../aws/emulators.ts";
import { sliceParts } from "./slice-parts.ts";
import { SYNTHETIC_BUCKET } from "./synthetic-s3.ts";

/** Ways to bring a file from one bucket into another, in one process. */
export type CopyWay = "presigned" | "identity" | "plain";

/** A file to bring over. */
export interface CopyOrder {
  readonly way: CopyWay;
  readonly message: CopyInput["message"];
  readonly bytes: number;
}

const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: SYNTHETIC_BUCKET };
const TARGET = { account: "444455556666", region: "eu-central-1", bucket: "artifacts" };
/** As many as the copier has under way. */
const PARTS_AT_ONCE = 4;
const MAX_WHOLE_BYTES = 64 * 1_048_576;

/** The consumer's copier, by presigned URL and by its own role, and a stream of the SDK without checks. */
export function createCopyWays(
  url: string,
): Readonly<Record<CopyWay, (order: Omit<CopyOrder, "way">) => Promise<void>>> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const connect = (region: string, more = {}) =>
    new S3Client({ endpoint: url, region, credentials: CREDENTIALS, forcePathStyle: true, logger, ...more });
  const [source, client] = [connect(SOURCE.region), connect(TARGET.region)];
  const unchecked = { requestChecksumCalculation: "WHEN_REQUIRED", responseChecksumValidation: "WHEN_REQUIRED" };
  const plain = connect(TARGET.region, unchecked);
  const clock = systemClock;
  const records = createS3Records({ client, bucket: TARGET.bucket, prefix: ".stackyard/", clock });
  // As the app has it.
  const collect = createCollector();
  const copier = (transfer: "presigned" | "identity") =>
    createCopier({
      fetch: createSourceFetch({ rules: SOURCE, origin: () => url }),
      target: { ...TARGET, client },
      source: { ...SOURCE, client: source },
      transfer,
      memory: createCopyMemory(records, clock),
      clock,
      collect,
    });
  const copyBy = (transfer: "presigned" | "identity") => {
    const { copy } = copier(transfer);
    return async ({ message }: Omit<CopyOrder, "way">) => {
      const outcome = await copy({ message });
      if (outcome.kind !== "stored") throw new Error(`The copy ended as ${JSON.stringify(outcome)}.`);
    };
  };
  return {
    presigned: copyBy("presigned"),
    identity: copyBy("identity"),
    plain: ({ message, bytes }) => copyPlainly(plain, message.ArtifactKey, bytes),
  };
}

/** From the answer straight into the next request: nothing is compared, digested or kept. */
async function copyPlainly(client: S3Client, Key: string, bytes: number): Promise<void> {
  const from = { Bucket: SOURCE.bucket, Key };
  const to = { Bucket: TARGET.bucket, Key };
  if (bytes <= MAX_WHOLE_BYTES) {
    const { Body } = await client.send(new GetObjectCommand(from));
    if (Body instanceof Readable) await client.send(new PutObjectCommand({ ...to, Body, ContentLength: bytes }));
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(to));
  const waiting = sliceParts(bytes).entries();
  const Parts: { readonly PartNumber: number; readonly ETag: string | undefined }[] = [];
  const lane = async () => {
    for (const [index, part] of waiting) {
      const { Body } = await client.send(new GetObjectCommand({ ...from, Range: `bytes=${part.from}-${part.to}` }));
      if (!(Body instanceof Readable)) throw new Error("The source sent no bytes.");
      const input = { ...to, UploadId, PartNumber: index + 1, Body, ContentLength: part.to - part.from + 1 };
      const { ETag } = await client.send(new UploadPartCommand(input));
      Parts[index] = { PartNumber: index + 1, ETag };
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  await client.send(new CompleteMultipartUploadCommand({ ...to, UploadId, MultipartUpload: { Parts } }));
}
