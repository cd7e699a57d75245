import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { defined, mapOrAbort, parseJson } from "@stackyard/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { AnnouncedMessage } from "../messages.ts";
import { type ArtifactSource, CopyStop, checkOpened, type FileDigest, measureBody } from "./artifact-source.ts";
import { type CopyJob, type CopyResult, openUpload, toResult, toSourceFile, writeConditionally } from "./copy-job.ts";
import type { UploadPlace } from "./target-bucket.ts";

/**
 * Copies a large file whose parts have digests. Several parts at a time are streamed from the source into a multipart upload
 * and verified on the way. Finished parts are recorded, so the next attempt copies only the rest. The object appears when all
 * parts are verified.
 */
export async function copyInParts(job: CopyJob, message: AnnouncedMessage, plan: PartPlan): Promise<CopyResult> {
  const { ledger, target, partsAtOnce, signal } = job;
  const place = await openUpload(job, plan.digest);
  const missing = plan.parts.filter(({ number }) => ledger.findEtag(number) === undefined);
  await mapOrAbort(missing, partsAtOnce, signal, async (part, either) => {
    const etag = await copyPart(job, message, { place, part, signal: either });
    await ledger.add(part.number, etag, part.size);
  });
  const parts = plan.parts.map(({ number, sha256 }) => ({ number, sha256, etag: ledger.findEtag(number) ?? "" }));
  const { size, sha256 } = message.artifact;
  const written = await writeConditionally(job, { size, sha256 }, (condition) =>
    target.complete(place, parts, condition),
  );
  if (written.kind === "written") ledger.drop();
  return toResult(written, sha256, { verified: true, sourceSha256: sha256, size });
}

interface PartInput {
  readonly place: UploadPlace;
  readonly part: PlannedPart;
  readonly signal: AbortSignal;
}

async function copyPart(job: CopyJob, message: AnnouncedMessage, { place, part, signal }: PartInput): Promise<string> {
  const { size, sha256, number, from } = part;
  const range = { from, to: from + size - 1 };
  const opened = await job.source({ ...toSourceFile(job, signal), range });
  try {
    checkOpened(opened, message.artifact.size, range);
    const body = () => Readable.from(measureBody(opened.body, part), { objectMode: false });
    return await job.target.upload(place, number, { size, sha256, body }, signal);
  } finally {
    opened.cancel();
  }
}

const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const part = Type.Object({ size, sha256 });
/** The fields of a manifest that a copy needs. */
const parts = Type.Optional(Type.Array(part, { maxItems: 10_000 }));
const file = Type.Object({ key: Type.String(), size, sha256, parts });
const compiled = Compile(Type.Object({ files: Type.Array(file, { maxItems: 1_000 }) }));

/** The limit that publishers observe. */
const MAX_MANIFEST_BYTES = 4 * 1_024 ** 2;

/**
 * Finds the parts of a large file in the manifest that the message names by digest. Returns undefined when the manifest is
 * missing or invalid: then only the whole file is verified. Throws a `CopyStop` when a retry can find the manifest.
 */
export async function findParts(
  source: ArtifactSource,
  message: AnnouncedMessage,
  signal: AbortSignal,
): Promise<PartPlan | undefined> {
  const { manifest, artifact, ArtifactKey } = message;
  if (manifest === undefined) return undefined;
  const text = await readManifest(source, manifest, signal);
  const files = text === undefined ? [] : parseFiles(text);
  const file = files.find(({ key, ...said }) => key === ArtifactKey && said.sha256 === artifact.sha256);
  return file?.parts === undefined ? undefined : planParts(artifact.size, file.parts);
}

async function readManifest(
  source: ArtifactSource,
  { key, url, sha256: expected }: NonNullable<AnnouncedMessage["manifest"]>,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  try {
    const { body, cancel } = await source({ key, signal, ...defined({ url }) });
    try {
      const bytes = await readAll(body);
      const isRight = bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === expected;
      return isRight ? bytes : undefined;
    } finally {
      cancel();
    }
  } catch (error) {
    if (error instanceof CopyStop && ["counted", "refused"].includes(error.fault.kind)) return undefined;
    throw error;
  }
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of body) {
    read += chunk.byteLength;
    if (read > MAX_MANIFEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseFiles(bytes: Buffer) {
  const value = parseJson(bytes.toString("utf-8"));
  return compiled.Check(value) ? value.files : [];
}

/** A part of a file, with its expected digest. */
interface PlannedPart extends FileDigest {
  /** From 1. */
  readonly number: number;
  readonly from: number;
}

/** The parts of a whole file. */
interface PartPlan {
  readonly parts: readonly PlannedPart[];
  /** Identifies the plan. */
  readonly digest: string;
}

const MIB = 1_024 ** 2;
/** Larger files are uploaded in parts. */
export const MAX_WHOLE_BYTES: number = 64 * MIB;
/** Amazon S3 user guide, "Amazon S3 multipart upload limits": 5 MiB to 5 GiB, 10,000 of them. */
const PART_LIMITS = { minBytes: 5 * MIB, maxBytes: 5 * 1_024 * MIB, count: 10_000 };

/**
 * Returns the length of the parts in which a file is copied whose manifest defines none. An interrupted copy continues
 * with it, so it does not change.
 */
export function toCopyPartBytes(size: number, wholeBytes: number): number {
  return Math.max(wholeBytes, Math.ceil(size / PART_LIMITS.count / MIB) * MIB);
}

/** Plans a multipart upload. Returns undefined when the parts do not add up to the file or exceed the limits of S3. */
export function planParts(size: number, given: readonly FileDigest[]): PartPlan | undefined {
  let from = 0;
  const parts = given.map((part, index) => {
    const planned = { number: index + 1, from, size: part.size, sha256: part.sha256 };
    from += part.size;
    return planned;
  });
  const isTaken = (bytes: number, isLast: boolean) =>
    bytes > 0 && bytes <= PART_LIMITS.maxBytes && (isLast || bytes >= PART_LIMITS.minBytes);
  if (from !== size || parts.length > PART_LIMITS.count) return undefined;
  if (!parts.every((part, index) => isTaken(part.size, index === parts.length - 1))) return undefined;
  const text = parts.map((part) => `${part.size} ${part.sha256}\n`).join("");
  return { parts, digest: createHash("sha256").update(text).digest("hex") };
}
