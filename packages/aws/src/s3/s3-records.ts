import { randomUUID } from "node:crypto";
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import {
  type Clock,
  cutText,
  defined,
  isStackyardError,
  mapLimited,
  parseJson,
  type Records,
  StackyardError,
} from "@stackyard/core";
import {
  createRecords,
  isExpected,
  type RecordRow,
  type RecordRowsPage,
  type RecordScan,
  type RecordWrite,
  type RecordWriteResult,
} from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toAwsError } from "../aws-fault.ts";
import { callAws } from "../call-aws.ts";

/** The location of records. */
export interface S3RecordsOptions {
  readonly client: S3Client;
  /** A general purpose bucket: others do not list in order of keys. */
  readonly bucket: string;
  /** Prefix of every key, for records only. Default: `records/`. */
  readonly prefix?: string;
  /** For the pauses between writes that meet others. */
  readonly clock: Clock;
}

const AT_A_TIME = 16;
const MAX_TRIES = 12;
const FIRST_PAUSE_MS = 10;
/**
 * When removal markers and expired records are deleted. Afterwards the version of a new record comes from the clock,
 * which exceeds every earlier version unless a writer's clock is a day behind.
 */
const SWEEP_AFTER_MS = 24 * 60 * 60_000;
/** Maximum writes of a key per millisecond, so that versions never reach those of the clock. */
const VERSIONS_A_MS = 1_000;

/**
 * Stores records as objects of S3 with conditional writes. For apps that have only a bucket; leases are built on it.
 * Detects its own write when the response was lost. Throws `FORBIDDEN`, `UNREACHABLE`, `STORE_CORRUPT`, …
 */
export function createS3Records(options: S3RecordsOptions): Records {
  const { client, bucket, prefix = "records/", clock } = options;
  const objects = createRecordObjects(client, bucket);
  return createRecords({
    async find(key) {
      const found = await objects.load(toObjectKey(prefix, key));
      return found && toRow(key, found.document);
    },
    write: (input) => write({ objects, clock }, toObjectKey(prefix, input.key), input),
    remove: (key, expected) => remove({ objects, clock }, toObjectKey(prefix, key), expected),
    scan: (range, page) => scan({ objects, client, bucket, prefix }, range, page),
  });
}

interface WriteDeps {
  readonly objects: RecordObjects;
  readonly clock: Clock;
}

async function write(deps: WriteDeps, objectKey: string, input: RecordWrite): Promise<RecordWriteResult> {
  const { key, text, expiresAt, now } = input;
  const value: unknown = JSON.parse(text);
  const writer = randomUUID();
  return contend(deps, objectKey, async (found) => {
    if (found?.document.writer === writer) return { kind: "written", version: found.document.version };
    const current = found && toRow(key, found.document);
    if (!isExpected(current, input)) return { kind: "conflict", current };
    const version = nextVersion(found, now);
    const document = { version, writer, value, ...defined({ expiresAt }) };
    return (await deps.objects.write(objectKey, document, found)) ? { kind: "written", version } : undefined;
  });
}

function nextVersion(found: RecordObject | undefined, now: number): number {
  return found === undefined ? Math.max(1, Math.floor(now * VERSIONS_A_MS)) : found.document.version + 1;
}

/** Removes a record. Its version stays for a while, so that the key's next record has a higher one. */
async function remove(deps: WriteDeps, objectKey: string, expected: number): Promise<boolean> {
  const writer = randomUUID();
  return contend(deps, objectKey, async (found) => {
    if (found === undefined || found.document.removedAt !== undefined) return true;
    if (found.document.version !== expected) return false;
    const document = { version: expected, writer, removedAt: deps.clock.now() };
    return (await deps.objects.write(objectKey, document, found)) ? true : undefined;
  });
}

/** Reads and writes until the outcome is clear. After a conflict it reads again after a pause. */
async function contend<Outcome>(
  { objects, clock }: WriteDeps,
  objectKey: string,
  attempt: (found: RecordObject | undefined) => Promise<Outcome | undefined>,
): Promise<Outcome> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await attempt(await objects.load(objectKey));
    if (outcome !== undefined) return outcome;
    await clock.sleep(Math.random() * FIRST_PAUSE_MS * 2 ** Math.min(tries, 6));
  }
  throw new StackyardError("RECORD_CONFLICT", `Too many writers contend for ${objectKey}. Try again later.`);
}

interface ListDeps {
  readonly objects: RecordObjects;
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

async function scan(
  deps: ListDeps,
  { prefix: beginning, after, limit, now }: RecordScan,
  page: RecordRowsPage,
): Promise<undefined> {
  const { client, bucket, prefix } = deps;
  const input = { Bucket: bucket, Prefix: prefix + beginning, ...(after && { StartAfter: prefix + after }) };
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client, pageSize: Math.min(1_000, limit) }, input)) {
      let rest: readonly _Object[] = Contents;
      while (rest.length > 0) {
        const part = rest.slice(0, countFitting(rest, page.bytesLeft));
        rest = rest.slice(part.length);
        const rows = await mapLimited(part, AT_A_TIME, (object) => findListed(deps, object, now));
        if (!rows.every((row) => row === undefined || page.add(row))) return;
      }
    }
  } catch (error) {
    throw toAwsError(error, `The records in s3://${bucket}/${prefix} cannot be listed.`);
  }
}

/** Counts the objects to read next: those that fit into the page, at least one. */
function countFitting(objects: readonly _Object[], bytes: number): number {
  let left = bytes;
  const end = objects.findIndex(({ Size = 0 }) => {
    left -= Size;
    return left <= 0;
  });
  return end < 0 ? objects.length : end + 1;
}

/** Loads the row of a listed object; undefined if it is gone. */
async function findListed(
  { objects, prefix }: ListDeps,
  { Key = "" }: _Object,
  now: number,
): Promise<RecordRow | undefined> {
  const key = Key.slice(prefix.length);
  try {
    const found = await objects.load(Key);
    if (found === undefined) return undefined;
    const endedAt = found.document.removedAt ?? found.document.expiresAt;
    if (endedAt !== undefined && now - endedAt > SWEEP_AFTER_MS) await objects.sweep(Key, found);
    return toRow(key, found.document);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return { key, version: 0, text: error };
    throw error;
  }
}

/** Converts a document to a row; undefined if the record was removed. */
function toRow(key: string, { version, value, expiresAt, removedAt }: RecordDocument): RecordRow | undefined {
  return removedAt === undefined ? { key, version, text: JSON.stringify(value ?? null), expiresAt } : undefined;
}

/** A record's object at one instant. */
interface RecordObject {
  readonly document: RecordDocument;
  readonly etag: string;
}

/** Reads and conditional writes of the objects with records. */
interface RecordObjects {
  /** Loads an object; undefined if it does not exist. */
  load(objectKey: string): Promise<RecordObject | undefined>;
  /** Writes only over the version that was read, or only if none exists. Returns false on a conflict. */
  write(objectKey: string, document: RecordDocument, over: RecordObject | undefined): Promise<boolean>;
  /** Deletes the version that was read, unless it has changed. Never throws; a later call deletes it again. */
  sweep(objectKey: string, found: RecordObject): Promise<void>;
}

/** Objects of one bucket. */
function createRecordObjects(client: S3Client, bucket: string): RecordObjects {
  const toAddress = (objectKey: string): string => `s3://${bucket}/${objectKey}`;
  return {
    async load(objectKey) {
      const what = `The record in ${toAddress(objectKey)} cannot be read.`;
      const read = async () => {
        const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }));
        const text = (await Body?.transformToString("utf-8")) ?? "";
        return { document: parseRecordDocument(text, toAddress(objectKey)), etag: ETag };
      };
      return callAws(read, { what, advice: ADVICE, instead: { NoSuchKey: undefined } });
    },
    async write(objectKey, document, over) {
      const body = { Body: JSON.stringify(document), ContentType: "application/json" };
      const condition = over === undefined ? { IfNoneMatch: "*" } : { IfMatch: over.etag };
      const what = `The record in ${toAddress(objectKey)} cannot be written.`;
      const command = new PutObjectCommand({ Bucket: bucket, Key: objectKey, ...body, ...condition });
      return callAws(() => client.send(command).then(() => true), { what, advice: ADVICE, instead: LOST });
    },
    async sweep(objectKey, { etag }) {
      const input = { Bucket: bucket, Key: objectKey, IfMatch: etag };
      await client.send(new DeleteObjectCommand(input)).catch(() => undefined);
    },
  };
}

/**
 * A conditional write is lost: 412 when the condition fails, 404 when `If-Match` finds no object, and 409
 * for a concurrent request (S3 guide, "How to prevent object overwrites with conditional writes").
 */
const LOST = { RECORD_CONFLICT: false, NoSuchKey: false };

const ADVICE = {
  FORBIDDEN:
    "Allow s3:GetObject, s3:PutObject and s3:DeleteObject on the objects and s3:ListBucket on the bucket; without s3:ListBucket, S3 returns this error for missing objects.",
};

/** A record as stored in an object of S3. */
const RecordDocument = Type.Object({
  version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** Identifies one write, so that a writer recognizes its own after a lost response. */
  writer: Type.String({ minLength: 1, maxLength: 64 }),
  /** Absent in removal markers. */
  value: Type.Optional(Type.Unknown()),
  expiresAt: Type.Optional(Type.Number()),
  removedAt: Type.Optional(Type.Number()),
});
type RecordDocument = Static<typeof RecordDocument>;

const document = Compile(RecordDocument);
/** S3 guide, "Naming Amazon S3 objects": of UTF-8, the prefix included. */
const MAX_OBJECT_KEY_BYTES = 1_024;
// S3 lists keys in XML, which cannot contain these.
const UNUSABLE = /[\uFFFE\uFFFF]/;

/** Parses an object's content. Throws `STORE_CORRUPT` if it is not a record. */
function parseRecordDocument(text: string, address: string): RecordDocument {
  const value = parseJson(text);
  if (document.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", `${address} is not a record. Move other objects to another prefix.`);
}

/** Returns the object's key. Throws `USAGE` for a key that no record in S3 may have. */
function toObjectKey(prefix: string, key: string): string {
  if (UNUSABLE.test(key)) {
    throw new StackyardError("USAGE", "The key of a record in S3 contains a character that XML does not allow.");
  }
  const objectKey = prefix + key;
  if (Buffer.byteLength(objectKey) <= MAX_OBJECT_KEY_BYTES) return objectKey;
  const why = `The key "${cutText(key, 40)}" of a record in S3 is longer than ${MAX_OBJECT_KEY_BYTES} bytes with its prefix.`;
  throw new StackyardError("USAGE", why);
}
