import type { Hash } from "node:crypto";
import { join } from "node:path";
import { abortUpload, openUpload } from "./begin-upload.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type CopyJob, type CopyResult, toVersion } from "./copy-job.ts";
import { checkWhole } from "./measure-body.ts";
import { type StagedFile, stageFile } from "./staged-file.ts";
import type { UploadedPart, UploadPlace } from "./target-bucket.ts";
import { writeConditionally } from "./write-conditionally.ts";

/** A stream that is being staged, with the digest of all that was. */
export interface StagedPass {
  readonly reader: ByteReader;
  readonly folder: string;
  readonly partBytes: number;
  readonly whole: Hash;
}

/** Uploads what was staged and what follows, in parts. An upload that fails is ended at once. */
export async function uploadStaged(job: CopyJob, pass: StagedPass, first: StagedFile): Promise<CopyResult> {
  const { message, target, ledger } = job;
  const place = await openUpload(job, "");
  try {
    const { parts, size } = await uploadAll(job, pass, { first, place });
    const sha256 = pass.whole.digest("hex");
    checkWhole(message, size, sha256);
    const written = await writeConditionally(job, { size, sha256 }, (condition) =>
      target.complete(place, parts, condition),
    );
    const facts = { verified: message.v === 2, sourceSha256: sha256, size, ...toVersion(written) };
    if (written.kind === "present") return { kind: "present", storedSha256: written.storedSha256, ...facts };
    ledger.drop();
    return { kind: "stored", storedSha256: sha256, ...facts };
  } catch (error) {
    await abortUpload(job);
    throw error;
  }
}

/** One part is uploaded while the next one arrives: two of them are on the disk. */
async function uploadAll(
  job: CopyJob,
  { reader, folder, partBytes, whole }: StagedPass,
  { first, place }: { readonly first: StagedFile; readonly place: UploadPlace },
) {
  const parts: UploadedPart[] = [];
  let size = 0;
  let staged: StagedFile | undefined = first;
  while (staged !== undefined) {
    size += staged.size;
    const number = parts.length + 1;
    const [part, next]: readonly [UploadedPart, StagedFile | undefined] = await bothOrNeither(
      uploadPart(job, place, number, staged),
      stageNext(reader, () => stageFile(join(folder, String(number + 1)), reader.take(partBytes), whole)),
    );
    parts.push(part);
    staged = next;
  }
  return { parts, size };
}

async function stageNext(
  reader: StagedPass["reader"],
  stage: () => Promise<StagedFile>,
): Promise<StagedFile | undefined> {
  return (await reader.isAtEnd()) ? undefined : stage();
}

async function uploadPart(job: CopyJob, place: UploadPlace, number: number, file: StagedFile): Promise<UploadedPart> {
  const { size, sha256 } = file;
  const etag = await job.target.upload(place, number, { size, sha256, body: () => file.stream() }, job.signal);
  await file.remove();
  return { number, etag, sha256 };
}

/** Waits for both before it fails: neither may work on when the folder is removed. */
async function bothOrNeither<A, B>(a: Promise<A>, b: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}
