import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { Clock, Records } from "@stackyard/core";
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

/** Whose records. */
export interface YardMemoryOptions {
  readonly records: Records;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** Where the release goes to: one yard deploys to many accounts and regions. */
  readonly at: { readonly account: string; readonly region: string };
  /** Who deploys, for whoever finds the lock. */
  readonly by?: string;
}

/** The files in a yard of what goes to one account and region. */
export function createYardLockFiles({
  records,
  clock,
  at,
}: Pick<YardMemoryOptions, "records" | "clock" | "at">): LockFiles {
  return createRecordLockFiles({ records, clock, prefix: `releases/${at.account}/${at.region}/` });
}

/** The yard's records as a release's memory. There is no second channel: the yard knows who may start a run. */
export function createYardMemory({ records, clock, generation, at, by }: YardMemoryOptions): ReleaseMemory {
  const files = createYardLockFiles({ records, clock, at });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--region", at.region],
    ...(by === undefined ? {} : { by }),
  });
  return createFileMemory({ files, locks, clock, generation, isSecondChannel: false });
}

/** What differs between places. */
export interface FileMemoryOptions {
  readonly files: LockFiles;
  readonly locks: ReleaseLocks;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  readonly isSecondChannel: boolean;
  /** Where user data is kept in another way than other files. */
  putUserData?(path: string, text: string): Promise<void>;
  /** The predecessor's file, where there is one. */
  findHaltFile?(path: string): Promise<HaltOrder | undefined>;
  removeHaltFile?(path: string): Promise<void>;
}

const READS = 3;
const READ_AGAIN_MS = 500;

/** A memory of files under the predecessor's paths. */
export function createFileMemory(options: FileMemoryOptions): ReleaseMemory {
  const { files, clock, locks, isSecondChannel } = options;
  const toPaths = (release: ReleaseKey) => toReleasePaths(release, options.generation);

  /** What cannot be read is read again: an order that nobody sees is not obeyed. */
  async function insist<Result>(read: () => Promise<Result>): Promise<Result> {
    for (let reads = 1; ; reads += 1) {
      try {
        return await read();
      } catch (error) {
        if (reads === READS) throw error;
        await clock.sleep(READ_AGAIN_MS * reads);
      }
    }
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
        insist(async () => options.findHaltFile?.(halt)),
        insist(() => loadOwnHalt(files, ownHalt)),
      ]);
      return found.filter((order) => order !== undefined);
    },
    async orderHalt(release, order) {
      const path = toPaths(release).ownHalt;
      const found = await files.load(path);
      // A conflict is another order, which halts as well.
      await files.put(path, toOwnHaltText({ ...order, at: clock.now() }), found?.version ?? "absent");
    },
    async clearHalts(release, answer = { outcome: "obeyed" }) {
      const { halt, ownHalt } = toPaths(release);
      // A release does not fail by an order that stays where it was: the file counts for some minutes only.
      await options.removeHaltFile?.(halt).catch(() => undefined);
      await answerOwnHalt(files, ownHalt, { ...answer, at: clock.now() }).catch(() => undefined);
    },
  };
}

/** Which bucket and table, with clients of the deployer's own role. */
export interface BucketMemoryOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** The predecessor's lock table, where there is one. */
  readonly table?: { readonly client: DynamoDBClient; readonly name: string };
  /** Who deploys, for whoever finds the lock. */
  readonly by?: string;
  /** Default: 30 min. */
  readonly leaseMs?: number;
}

interface BucketObject {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
}

/** The predecessor's bucket, and its lock table where there is one. The bucket is the second channel of a release. */
export function createBucketMemory(options: BucketMemoryOptions): ReleaseMemory {
  const { s3: client, bucket, clock, generation, table, by, leaseMs } = options;
  const files = createS3LockFiles({ client, bucket });
  const strong = table && createDynamoLock({ client: table.client, table: table.name, clock });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--bucket", bucket],
    ...(strong === undefined ? {} : { strong }),
    ...(by === undefined ? {} : { by }),
    ...(leaseMs === undefined ? {} : { leaseMs }),
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

/** The predecessor's clients encrypt user data with the account's key for S3, `alias/aws/s3`: `aws:kms` without a key. */
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

/** An order to halt one release, as it is kept. */
interface OwnHalt {
  readonly message: string;
  readonly by?: string;
  /** Epoch ms. */
  readonly at: number;
  /** What became of it. */
  readonly answer?: HaltAnswer & { readonly at: number };
}

/** The order that is addressed to a release and is not acknowledged. A file that is none is one without words. */
export async function loadOwnHalt(files: LockFiles, path: string): Promise<HaltOrder | undefined> {
  const found = await files.load(path);
  if (found === undefined) return undefined;
  const { message, by, at, answer } = parseOwnHalt(found.text);
  if (answer !== undefined) return undefined;
  return { kind: "release", message, at, ...(by === undefined ? {} : { by }) };
}

/** Notes what became of the order, where there is one that is not acknowledged. */
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

/** The text of an order. */
export function toOwnHaltText({ message, by, at, answer }: OwnHalt): string {
  return JSON.stringify({ message, by, at: new Date(at).toISOString(), answer });
}

function parseOwnHalt(text: string): OwnHalt {
  const { message, by, at, answer } = parseObject(text);
  const atMs = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return {
    message: typeof message === "string" ? message.slice(0, 4_000) : "",
    ...(typeof by === "string" ? { by: by.slice(0, 200) } : {}),
    at: Number.isNaN(atMs) ? 0 : atMs,
    ...(isAnswer(answer) ? { answer } : {}),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isAnswer(value: unknown): value is NonNullable<OwnHalt["answer"]> {
  return typeof value === "object" && value !== null && "outcome" in value;
}
