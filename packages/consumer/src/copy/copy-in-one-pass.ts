import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import { rewriteTemplate } from "../rewrite-template.ts";
import { toFacts } from "./begin-upload.ts";
import { createByteReader } from "./byte-reader.ts";
import { checkOpened } from "./check-opened.ts";
import { CopyStop } from "./copy-fault.ts";
import { type CopyJob, type CopyResult, toSourceFile, toVersion } from "./copy-job.ts";
import { checkWhole, toSizeMismatch } from "./measure-body.ts";
import { toPartBytes } from "./plan-parts.ts";
import { type StagedFile, stageFile, withFolder } from "./staged-file.ts";
import type { DigestedBytes } from "./target-bucket.ts";
import { uploadStaged } from "./upload-staged.ts";
import { writeConditionally } from "./write-conditionally.ts";

/**
 * Copies a file of which no part is known: its beginning goes to the disk, and where that is all of it, it is compared and put. A
 * longer one goes on part by part, and is completed only when the digest of the whole is right; it cannot be gone on with by
 * another attempt, since a running digest cannot be kept.
 */
export async function copyInOnePass(job: CopyJob): Promise<CopyResult> {
  const size = job.message.v === 2 ? job.message.artifact.size : undefined;
  const opened = await job.source(toSourceFile(job, job.signal));
  try {
    checkOpened(opened, size);
    if ((opened.length ?? 0) > job.maxBytes) throw toTooLarge(job.maxBytes);
    const partBytes = toPartBytes(size ?? opened.length ?? job.maxBytes, job.wholeBytes);
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

/** Stops when more arrives than may. */
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
  const reason = `The file has more than the ${maxBytes} bytes allowed.`;
  return new CopyStop({ kind: "refused", code: "TOO_LARGE", reason });
}

async function putWhole(job: CopyJob, file: StagedFile): Promise<CopyResult> {
  const { message, target, signal } = job;
  checkWhole(message, file.size, file.sha256);
  const bytes = (await rewrite(job, file)) ?? { ...file, body: () => file.stream() };
  const digests = { source: file.sha256, stored: bytes.sha256 };
  const put = { key: message.ArtifactKey, bytes, facts: toFacts(job, digests), signal };
  const written = await writeConditionally(job, bytes, (condition) => target.put(put, condition));
  const facts = { verified: message.v === 2, sourceSha256: file.sha256, size: file.size, ...toVersion(written) };
  if (written.kind === "written") return { kind: "stored", storedSha256: bytes.sha256, ...facts };
  return { kind: "present", storedSha256: written.storedSha256, ...facts };
}

/** Larger ones are no templates, and are not read for it. */
const MAX_TEMPLATE_BYTES = 1_048_576;

async function rewrite({ message, buckets }: CopyJob, file: StagedFile): Promise<DigestedBytes | undefined> {
  if (!isRewritten(message) || file.size > MAX_TEMPLATE_BYTES) return undefined;
  const text = rewriteTemplate(message.ArtifactKey, await file.readBytes(), buckets);
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { size: bytes.byteLength, sha256, body: () => Readable.from([bytes], { objectMode: false }) };
}

/** A message of version 1 cannot ask for it: its templates are rewritten as by the predecessor, which leaves `.json` files alone. */
function isRewritten(message: CopyJob["message"]): boolean {
  return message.v === 1 ? !message.ArtifactKey.endsWith(".json") : message.artifact.rewrite === "template";
}
