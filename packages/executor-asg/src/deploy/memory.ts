import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, defined, isMap, parseJson, type Records, retry } from "@stackyard/core";
import type { LockFiles } from "../locks/lock-files.ts";
import { createDynamoLock, createRecordLockFiles, createS3LockFiles } from "../locks/lock-stores.ts";
import { createReleaseLocks } from "../locks/release-locks.ts";
import { toReleasePaths } from "../plan/names.ts";
import type {
  HaltAnswer,
  HaltOrder,
  ReleaseConstants,
  ReleaseKey,
  ReleaseLocks,
  ReleaseMemory,
} from "../release-state.ts";

/** Options of `createYardMemory`. */
export interface YardMemoryOptions {
  readonly records: Records;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** Target of the release: one yard deploys to many accounts and regions. */
  readonly at: { readonly account: string; readonly region: string };
  /** Who deploys; shown when the lock blocks another release. */
  readonly by?: string;
}

/** Creates the lock files in a yard for one account and region. */
export function createYardLockFiles(options: Pick<YardMemoryOptions, "records" | "clock" | "at">): LockFiles {
  const { records, clock, at } = options;
  return createRecordLockFiles({ records, clock, prefix: `releases/${at.account}/${at.region}/` });
}

/**
 * Stores a release's memory in the yard's records. They are not a second channel: the yard itself decides who may start
 * a run.
 */
export function createYardMemory({ records, clock, generation, at, by }: YardMemoryOptions): ReleaseMemory {
  const files = createYardLockFiles({ records, clock, at });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--region", at.region],
    ...defined({ by }),
  });
  return createFileMemory({ files, locks, clock, generation, isSecondChannel: false });
}

/** Options of a file memory. */
export interface FileMemoryOptions {
  readonly files: LockFiles;
  readonly locks: ReleaseLocks;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  readonly isSecondChannel: boolean;
  /** Stores user data; set if that differs from other files. */
  putUserData?(path: string, text: string): Promise<void>;
  /** Reads the predecessor's halt file, if supported. */
  findHaltFile?(path: string): Promise<HaltOrder | undefined>;
  removeHaltFile?(path: string): Promise<void>;
}

const READS = 3;
const READ_AGAIN_MS = 500;

/** Creates a memory of files with the predecessor's paths. */
export function createFileMemory(options: FileMemoryOptions): ReleaseMemory {
  const { files, clock, locks, isSecondChannel } = options;
  const toPaths = (release: ReleaseKey) => toReleasePaths(release, options.generation);

  /** Retries failed reads, so that no halt request is missed. */
  function readAgain<Result>(read: () => Promise<Result>): Promise<Result> {
    return retry(read, { tries: READS, pause: (failed) => clock.sleep(READ_AGAIN_MS * failed) });
  }

  return {
    isSecondChannel,
    locks,
    async loadDocument(release) {
      const found = await files.load(toPaths(release).release);
      return found === undefined ? undefined : JSON.parse(found.text);
    },
    loadUserData: async (release) => (await files.load(toPaths(release).userData))?.text,
    async storeDocument(release, { document, userData }) {
      const paths = toPaths(release);
      await files.put(paths.release, JSON.stringify(document), "absent");
      if (userData === undefined) return;
      if (options.putUserData === undefined) await files.put(paths.userData, userData, "absent");
      else await options.putUserData(paths.userData, userData);
    },
    async listHalts(release) {
      const { halt, ownHalt } = toPaths(release);
      const found = await Promise.all([
        readAgain(async () => options.findHaltFile?.(halt)),
        readAgain(() => loadOwnHalt(files, ownHalt)),
      ]);
      return found.filter((order) => order !== undefined);
    },
    async orderHalt(release, order) {
      const path = toPaths(release).ownHalt;
      const found = await files.load(path);
      // On a conflict, another request exists, which halts too.
      await files.put(path, toOwnHaltText({ ...order, at: clock.now() }), found?.version ?? "absent");
    },
    async clearHalts(release, answer = { outcome: "obeyed" }) {
      const { halt, ownHalt } = toPaths(release);
      // A remaining file must not fail the release; it expires after some minutes.
      await options.removeHaltFile?.(halt).catch(() => undefined);
      await answerOwnHalt(files, ownHalt, { ...answer, at: clock.now() }).catch(() => undefined);
    },
  };
}

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
  try {
    await client.send(new PutObjectCommand({ ...object, ServerSideEncryption: "aws:kms", IfNoneMatch: "*" }));
  } catch (error) {
    if (findAwsFault(error).code === "RECORD_CONFLICT") return;
    throw toAwsError(error, `The user data s3://${bucket}/${key} cannot be written.`);
  }
}

async function findHaltFile({ client, bucket, key }: BucketObject): Promise<HaltOrder | undefined> {
  try {
    const { Body, LastModified } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const message = (await Body?.transformToString("utf-8")) ?? "";
    return { kind: "file", message: message.slice(0, 4_000), modifiedAt: LastModified?.getTime() ?? 0 };
  } catch (error) {
    if (findAwsFault(error).name === "NoSuchKey") return undefined;
    throw toAwsError(error, `The halt file s3://${bucket}/${key} cannot be read.`);
  }
}

/** A stored halt request for one release. */
interface OwnHalt {
  readonly message: string;
  readonly by?: string;
  /** Epoch ms. */
  readonly at: number;
  /** The result. */
  readonly answer?: HaltAnswer & { readonly at: number };
}

/**
 * Loads the halt request of a release unless it is acknowledged. A file that cannot be parsed is a request without a
 * message.
 */
export async function loadOwnHalt(files: LockFiles, path: string): Promise<HaltOrder | undefined> {
  const found = await files.load(path);
  if (found === undefined) return undefined;
  const { message, by, at, answer } = parseOwnHalt(found.text);
  if (answer !== undefined) return undefined;
  return { kind: "release", message, at, ...defined({ by }) };
}

/** Stores the result of an unacknowledged halt request. */
export async function answerOwnHalt(
  files: LockFiles,
  path: string,
  answer: HaltAnswer & { readonly at: number },
): Promise<void> {
  const found = await files.load(path);
  if (found === undefined) return;
  const halt = parseOwnHalt(found.text);
  if (halt.answer === undefined) await files.put(path, toOwnHaltText({ ...halt, answer }), found.version);
}

/** Formats a halt request. */
export function toOwnHaltText({ message, by, at, answer }: OwnHalt): string {
  return JSON.stringify({ message, by, at: new Date(at).toISOString(), answer });
}

function parseOwnHalt(text: string): OwnHalt {
  const halt = parseJson(text);
  const { message, by, at, answer } = isMap(halt) ? halt : {};
  const atMs = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return {
    message: typeof message === "string" ? message.slice(0, 4_000) : "",
    ...(typeof by === "string" ? { by: by.slice(0, 200) } : {}),
    at: Number.isNaN(atMs) ? 0 : atMs,
    ...(isAnswer(answer) ? { answer } : {}),
  };
}

function isAnswer(value: unknown): value is NonNullable<OwnHalt["answer"]> {
  return typeof value === "object" && value !== null && "outcome" in value;
}
