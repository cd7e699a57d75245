import { Readable } from "node:stream";
import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { isMap, parseJson, StackyardError } from "@stackyard/core";
import { KEY_PREFIXES } from "@stackyard/core/environment";
import { byteSizeOf, hashOf, type IncomingMessage, type OutgoingMessage, readEnvelope } from "./messages.ts";
import { callTransport, MESSAGE_REFUSED } from "./to-stackyard-error.ts";

/** The bucket for bodies that exceed the limit of the queue. */
export interface ClaimCheckOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  /** The prefix of keys. Default: `stackyard/messages/`. A lifecycle rule of the bucket removes the objects. */
  readonly prefix?: string;
}

/** Leaves bodies in a bucket and fetches them. */
export interface ClaimChecks {
  /** Returns the message with a pointer instead of its body. Transient errors are thrown as retryable. */
  check(message: OutgoingMessage): Promise<OutgoingMessage>;
  /**
   * Returns the message with its body, if it has a pointer. Throws `CONFIG_INVALID` for a pointer that is not allowed.
   */
  redeem(message: IncomingMessage): Promise<IncomingMessage>;
}

// The format of Amazon's extended clients (https://github.com/awslabs/payload-offloading-java-common-lib-for-aws), so
// that receivers that use one get these messages too.
const POINTER_CLASSES = [
  "software.amazon.payloadoffloading.PayloadS3Pointer",
  "com.amazon.sqs.javamessaging.MessageS3Pointer",
];
const SIZE_ATTRIBUTE = "ExtendedPayloadSize";

/** A message is at most 1,048,576 characters; of these each takes at most three bytes, or twelve as an escaped pair. */
const MAX_BODY_BYTES = 8 * 1_048_576;

/**
 * Creates claim checks in one bucket. Pointers into other buckets are refused: a message must not choose which object
 * is read.
 */
export function createClaimChecks({ s3, bucket, prefix = KEY_PREFIXES.messages }: ClaimCheckOptions): ClaimChecks {
  return {
    async check(message) {
      // The same body has the same key, so that a repeat leaves nothing behind.
      const key = `${prefix}${hashOf([message.body])}`;
      await putObject(s3, { bucket, key, body: message.body });
      return {
        ...message,
        body: JSON.stringify([POINTER_CLASSES[0], { s3BucketName: bucket, s3Key: key }]),
        attributes: { ...message.attributes, [SIZE_ATTRIBUTE]: String(Buffer.byteLength(message.body)) },
      };
    },
    async redeem(message) {
      const envelope = readEnvelope(message.body);
      const pointer = findPointer(envelope.message ?? message.body);
      if (pointer === undefined) return message;
      if (pointer.bucket !== bucket || !pointer.key.startsWith(prefix)) {
        const where = `s3://${pointer.bucket}/${pointer.key}`;
        const why = `The body of a message refers to ${where}, which is outside the configured bucket and prefix.`;
        throw new StackyardError("CONFIG_INVALID", why, { details: MESSAGE_REFUSED });
      }
      const attributes = { ...envelope.attributes, ...message.attributes };
      return { ...message, attributes, body: await getObject(s3, pointer) };
    },
  };
}

/** Rejects messages with pointers, because no bucket is configured. */
export const noClaimChecks: Pick<ClaimChecks, "redeem"> = {
  async redeem(message) {
    if (findPointer(readEnvelope(message.body).message ?? message.body) === undefined) return message;
    const why = "The body of a message lies in S3, and no bucket for such bodies is configured.";
    throw new StackyardError("CONFIG_INVALID", `${why} Set the option claimChecks.`);
  },
};

/**
 * Stores messages that exceed the size limit of their queue. Without a bucket, throws an error that explains the
 * configuration.
 */
export async function checkLarge(
  message: OutgoingMessage,
  { claimChecks, maxBytes }: { readonly claimChecks: ClaimChecks | undefined; readonly maxBytes: number },
): Promise<OutgoingMessage> {
  const bytes = byteSizeOf(message);
  if (bytes <= maxBytes) return message;
  if (claimChecks !== undefined) return claimChecks.check(message);
  const why = `A message of ${bytes} bytes is larger than the ${maxBytes} that fit.`;
  throw new StackyardError("PAYLOAD_TOO_LARGE", `${why} Make it smaller, or set the option claimChecks.`);
}

interface Pointer {
  readonly bucket: string;
  readonly key: string;
}

function findPointer(body: string): Pointer | undefined {
  if (!POINTER_CLASSES.some((name) => body.startsWith(`["${name}"`))) return undefined;
  const parts = parseJson(body);
  const pointer: unknown = Array.isArray(parts) ? parts[1] : undefined;
  if (!isMap(pointer)) return undefined;
  const { s3BucketName: bucket, s3Key: key } = pointer;
  return typeof bucket === "string" && typeof key === "string" ? { bucket, key } : undefined;
}

async function putObject(s3: S3Client, { bucket, key, body }: Pointer & { readonly body: string }): Promise<void> {
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: "application/json" });
  await callTransport(`Leaving the body of a message in s3://${bucket}/${key}`, () => s3.send(command));
}

function getObject(s3: S3Client, { bucket, key }: Pointer): Promise<string> {
  return callTransport(`Fetching the body of a message from s3://${bucket}/${key}`, async () => {
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Body === undefined ? "" : readText(Body, `s3://${bucket}/${key}`);
  });
}

/** Reads no more than a body may have: leaving the loop ends the stream, whose connection is then free for others. */
async function readText(body: NonNullable<GetObjectCommandOutput["Body"]>, where: string): Promise<string> {
  // In browsers only it is something else.
  if (!(body instanceof Readable)) return body.transformToString();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new StackyardError("PAYLOAD_TOO_LARGE", `The body in ${where} has more than ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
