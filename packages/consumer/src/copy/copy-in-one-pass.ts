import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { rewriteTemplate } from "../rewrite-template.ts";
import {
  type ByteReader,
  CopyStop,
  checkOpened,
  checkWhole,
  createByteReader,
  type FileDigest,
  toSizeMismatch,
} from "./artifact-source.ts";
import { toCopyPartBytes } from "./copy-in-parts.ts";
import {
  abortUpload,
  type CopyJob,
  type CopyResult,
  openUpload,
  toFacts,
  toResult,
  toSourceFile,
  writeConditionally,
} from "./copy-job.ts";
import type { DigestedBytes, UploadedPart, UploadPlace } from "./target-bucket.ts";

/**
 * Copies a file whose parts have no digests. The first part is staged on disk; a file that fits is verified and put. A larger
 * file is uploaded part by part and completed only when the digest of the whole matches. Another attempt cannot resume it,
 * because the running digest is not saved.
 */
export async function copyInOnePass(job: CopyJob): Promise<CopyResult> {
  const size = job.message.v === 2 ? job.message.artifact.size : undefined;
  const opened = await job.source(toSourceFile(job, job.signal));
  try {
    checkOpened(opened, size);
    if ((opened.length ?? 0) > job.maxBytes) throw toTooLarge(job.maxBytes);
    const partBytes = toCopyPartBytes(size ?? opened.length ?? job.maxBytes, job.wholeBytes);
    const reader = createByteReader(limitBytes(opened.body, job.maxBytes, size));
    return await withFolder(job.folder, async (folder) => {
      const pass = { reader, folder, partBytes, whole: createHash("sha256") };
      const first = await stageFile(join(folder, "1"), reader.take(partBytes), pass.whole);
      return (await reader.isAtEnd()) ? putWhole(job, first) : uploadStaged(job, pass, first);
    });
  } finally {
    opened.cancel();
  }
}

/** Throws when the source sends more bytes than allowed. */
async function* limitBytes(body: AsyncIterable<Uint8Array>, maxBytes: number, size: number | undefined) {
  let count = 0;
  for await (const chunk of body) {
    count += chunk.byteLength;
    if (size !== undefined && count > size) throw toSizeMismatch(`The source sends more than ${size} bytes.`);
    if (count > maxBytes) throw toTooLarge(maxBytes);
    yield chunk;
  }
}

function toTooLarge(maxBytes: number): CopyStop {
  const reason = `The file is larger than the limit of ${maxBytes} bytes.`;
  return new CopyStop({ kind: "refused", code: "TOO_LARGE", reason });
}

async function putWhole(job: CopyJob, file: StagedFile): Promise<CopyResult> {
  const { message, target, signal } = job;
  checkWhole(message, file.size, file.sha256);
  const bytes = (await rewrite(job, file)) ?? { ...file, body: () => file.stream() };
  const digests = { source: file.sha256, stored: bytes.sha256 };
  const put = { key: message.ArtifactKey, bytes, facts: toFacts(job, digests), signal };
  const written = await writeConditionally(job, bytes, (condition) => target.put(put, condition));
  const facts = { verified: message.v === 2, sourceSha256: file.sha256, size: file.size };
  return toResult(written, bytes.sha256, facts);
}

/** Larger files are not treated as templates. */
const MAX_TEMPLATE_BYTES = 1_048_576;

async function rewrite({ message, buckets }: CopyJob, file: StagedFile): Promise<DigestedBytes | undefined> {
  if (!isRewritten(message) || file.size > MAX_TEMPLATE_BYTES) return undefined;
  const text = rewriteTemplate(message.ArtifactKey, await file.readBytes(), buckets);
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { size: bytes.byteLength, sha256, body: () => Readable.from([bytes], { objectMode: false }) };
}

/**
 * Returns true if the file is rewritten. A message of version 1 has no such field: its templates are rewritten like the
 * predecessor's, which ignores `.json` files.
 */
function isRewritten(message: CopyJob["message"]): boolean {
  return message.v === 1 ? !message.ArtifactKey.endsWith(".json") : message.artifact.rewrite === "template";
}

/** A stream that is staged part by part, with the digest of the whole. */
interface StagedPass {
  readonly reader: ByteReader;
  readonly folder: string;
  readonly partBytes: number;
  readonly whole: Hash;
}

/** Uploads the staged part and the rest of the stream as a multipart upload. A failed upload is aborted at once. */
async function uploadStaged(job: CopyJob, pass: StagedPass, first: StagedFile): Promise<CopyResult> {
  const { message, target, ledger } = job;
  const place = await openUpload(job, "");
  try {
    const { parts, size } = await uploadAll(job, pass, { first, place });
    const sha256 = pass.whole.digest("hex");
    checkWhole(message, size, sha256);
    const written = await writeConditionally(job, { size, sha256 }, (condition) =>
      target.complete(place, parts, condition),
    );
    if (written.kind === "written") ledger.drop();
    return toResult(written, sha256, { verified: message.v === 2, sourceSha256: sha256, size });
  } catch (error) {
    await abortUpload(job);
    throw error;
  }
}

/** Uploads one part while the next one is staged, so at most two parts are on disk. */
async function uploadAll(
  job: CopyJob,
  { reader, folder, partBytes, whole }: StagedPass,
  { first, place }: { readonly first: StagedFile; readonly place: UploadPlace },
) {
  const parts: UploadedPart[] = [];
  const stageNext = async (): Promise<StagedFile | undefined> => {
    const path = join(folder, String(parts.length + 2));
    return (await reader.isAtEnd()) ? undefined : stageFile(path, reader.take(partBytes), whole);
  };
  let size = 0;
  let staged: StagedFile | undefined = first;
  while (staged !== undefined) {
    size += staged.size;
    const number = parts.length + 1;
    const [part, next]: readonly [UploadedPart, StagedFile | undefined] = await bothOrNeither(
      uploadPart(job, place, number, staged),
      stageNext(),
    );
    parts.push(part);
    staged = next;
  }
  return { parts, size };
}

async function uploadPart(job: CopyJob, place: UploadPlace, number: number, file: StagedFile): Promise<UploadedPart> {
  const { size, sha256 } = file;
  const etag = await job.target.upload(place, number, { size, sha256, body: () => file.stream() }, job.signal);
  await file.remove();
  return { number, etag, sha256 };
}

/** Waits for both promises before throwing: neither may continue when the folder is removed. */
async function bothOrNeither<A, B>(a: Promise<A>, b: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/** A temporary file that only this process can read. */
interface StagedFile extends FileDigest {
  readBytes(): Promise<Uint8Array>;
  /** Returns a new stream at each call. */
  stream(): Readable;
  remove(): Promise<void>;
}

/** Runs `work` with a temporary folder under `under` and removes the folder afterwards. */
export async function withFolder<Result>(under: string, work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(under, "stackyard-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes bytes to a new file and digests them. `whole`: a digest over several files that is updated too. */
export async function stageFile(path: string, bytes: AsyncIterable<Uint8Array>, whole?: Hash): Promise<StagedFile> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      hash.update(chunk);
      whole?.update(chunk);
      await file.appendFile(chunk);
    }
  } finally {
    await file.close();
  }
  return {
    size,
    sha256: hash.digest("hex"),
    readBytes: () => readFile(path),
    stream: () => createReadStream(path),
    remove: () => rm(path, { force: true }),
  };
}
