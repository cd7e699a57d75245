import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { type Clock, defined, keepStart } from "@stackyard/core";
import { createDynamoLock, createS3LockFiles } from "../locks/lock-stores.ts";
import { createReleaseLocks } from "../locks/release-locks.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { HaltOrder, ReleaseMemory } from "../release-state.ts";
import { createFileMemory } from "./memory.ts";

/** Options of `createBucketMemory`, with clients of the deployer's own role. */
export interface BucketMemoryOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** The predecessor's lock table, if used. */
  readonly table?: { readonly client: DynamoDBClient; readonly name: string };
  /** The person who deploys, shown to others who find the lock. */
  readonly by?: string;
  /** Default: 30 min. */
  readonly leaseMs?: number;
}

interface BucketObject {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
}

/**
 * Stores a release's memory in the predecessor's bucket and, if given, its lock table. The bucket is the second channel
 * of a release.
 */
export function createBucketMemory(options: BucketMemoryOptions): ReleaseMemory {
  const { s3: client, bucket, clock, generation, table, by, leaseMs } = options;
  const files = createS3LockFiles({ client, bucket });
  const strong = table && createDynamoLock({ client: table.client, table: table.name, clock });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--bucket", bucket],
    ...defined({ strong, by, leaseMs }),
  });
  return createFileMemory({
    files,
    locks,
    clock,
    generation,
    isSecondChannel: true,
    putUserData: (key, text) => putUserData({ client, bucket, key }, text),
    findHaltFile: (key) => findHaltFile({ client, bucket, key }),
    async removeHaltFile(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  });
}

/**
 * Stores user data encrypted with the account's key for S3, `alias/aws/s3`, as the predecessor does: `aws:kms` without
 * a key.
 */
async function putUserData({ client, bucket, key }: BucketObject, text: string): Promise<void> {
  const object = { Bucket: bucket, Key: key, Body: text };
  const command = new PutObjectCommand({ ...object, ServerSideEncryption: "aws:kms", IfNoneMatch: "*" });
  const what = `The user data s3://${bucket}/${key} cannot be written.`;
  await callAws(() => client.send(command), { what, instead: { RECORD_CONFLICT: undefined } });
}

async function findHaltFile({ client, bucket, key }: BucketObject): Promise<HaltOrder | undefined> {
  const read = async (): Promise<HaltOrder> => {
    const { Body, LastModified } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const message = (await Body?.transformToString("utf-8")) ?? "";
    return { kind: "file", message: keepStart(message, 4_000), modifiedAt: LastModified?.getTime() ?? 0 };
  };
  const what = `The halt file s3://${bucket}/${key} cannot be read.`;
  return callAws(read, { what, instead: { NoSuchKey: undefined } });
}
