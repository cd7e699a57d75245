import { createHash } from "node:crypto";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";
import type { HeadedUpload } from "./head-upload.ts";
import { createResumableSha256, type ResumableSha256 } from "./resumable-sha256.ts";
import { toPartBytes } from "./to-upload-manifest.ts";
import type { UploadEntry, UploadProgress } from "./upload-work.ts";

/** What came of it. */
export type DigestedObject =
  | {
      readonly kind: "digested";
      readonly entry: UploadEntry;
      readonly sha256: string;
      readonly parts?: readonly string[];
    }
  /** The time is over; the progress is kept. */
  | { readonly kind: "continues"; readonly entry: UploadEntry }
  /** The object was replaced meanwhile. */
  | { readonly kind: "replaced"; readonly entry: UploadEntry }
  /** Somebody else has taken it. */
  | { readonly kind: "running" };

/** What it works with. */
export interface DigestDeps {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  /** Epoch milliseconds: the process ends then. */
  readonly deadlineAt: number;
  save(entry: UploadEntry, progress: UploadProgress): Promise<UploadEntry | undefined>;
}

/** For what comes behind the digest. */
const RESERVE_MS = 30_000;

/**
 * Digests an object, streamed: a small one at once, a large one part by part, so that the next process goes on where this one
 * ends.
 */
export async function digestUpload(deps: DigestDeps, entry: UploadEntry, head: HeadedUpload): Promise<DigestedObject> {
  const partBytes = toPartBytes(head.size);
  try {
    if (partBytes !== undefined) return await digestParts(deps, entry, { head, partBytes });
    const hash = createHash("sha256");
    if (head.size > 0)
      await readRange(deps, { entry, head, from: 0, to: head.size }, (bytes) => void hash.update(bytes));
    return { kind: "digested", entry, sha256: hash.digest("hex") };
  } catch (error) {
    const { name, code } = findAwsFault(error);
    if (name === "PreconditionFailed" || code === "NOT_FOUND") return { kind: "replaced", entry };
    throw toAwsError(error, `s3://${deps.bucket}/${entry.key} cannot be read.`);
  }
}

interface Parted {
  readonly head: HeadedUpload;
  readonly partBytes: number;
}

async function digestParts(deps: DigestDeps, entry: UploadEntry, { head, partBytes }: Parted): Promise<DigestedObject> {
  // What was digested of another object under the key is of no use.
  const state = entry.etag === head.etag ? entry.state : null;
  const whole = createResumableSha256(state ?? undefined);
  const parts = state === null ? [] : [...entry.parts];
  let current: UploadEntry = entry;
  let slowestMs = 0;
  for (let from = parts.length * partBytes; from < head.size; from += partBytes) {
    const startedAt = deps.clock.now();
    if (startedAt + RESERVE_MS + 2 * slowestMs > deps.deadlineAt) return { kind: "continues", entry: current };
    const to = Math.min(head.size, from + partBytes);
    parts.push(await digestPart(deps, { entry, head, from, to }, whole));
    // The last part ends anywhere, where no state can be kept: who dies now repeats it alone.
    const saved = to < head.size ? await keep(deps, current, { etag: head.etag, parts, whole }) : current;
    if (saved === undefined) return { kind: "running" };
    current = saved;
    slowestMs = Math.max(slowestMs, deps.clock.now() - startedAt);
  }
  const digests = parts.map((each) => Buffer.from(each, "base64").toString("hex"));
  return { kind: "digested", entry: current, sha256: whole.digest(), parts: digests };
}

interface Kept {
  readonly etag: string;
  readonly parts: string[];
  readonly whole: ResumableSha256;
}

function keep(deps: DigestDeps, entry: UploadEntry, { etag, parts, whole }: Kept): Promise<UploadEntry | undefined> {
  return deps.save(entry, { etag, parts, state: whole.save() ?? null });
}

interface Range {
  readonly entry: UploadEntry;
  readonly head: HeadedUpload;
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
}

async function digestPart(deps: DigestDeps, range: Range, whole: ResumableSha256): Promise<string> {
  const part = createHash("sha256");
  await readRange(deps, range, (bytes) => {
    part.update(bytes);
    whole.update(bytes);
  });
  return part.digest("base64");
}

async function readRange(
  { s3, bucket }: DigestDeps,
  { entry, head, from, to }: Range,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  const place = { Bucket: bucket, Key: entry.key, ...(head.versionId && { VersionId: head.versionId }) };
  const command = new GetObjectCommand({ ...place, IfMatch: head.etag, Range: `bytes=${from}-${to - 1}` });
  const { Body } = await s3.send(command);
  let left = to - from;
  if (isStream(Body)) {
    for await (const bytes of Body) {
      left -= bytes.byteLength;
      take(bytes);
    }
  }
  if (left !== 0) throw new StackyardError("UNREACHABLE", `s3://${bucket}/${entry.key} was not read to its end.`);
}

/** As the SDK's bodies are in Node. */
function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
