import { Readable } from "node:stream";
import { openUpload } from "./begin-upload.ts";
import { checkOpened } from "./check-opened.ts";
import { type CopyJob, type CopyResult, toSourceFile, toVersion } from "./copy-job.ts";
import type { AnnouncedFile } from "./judge-stored.ts";
import { measureBody } from "./measure-body.ts";
import type { PartPlan, PlannedPart } from "./plan-parts.ts";
import { runLimited } from "./run-limited.ts";
import type { UploadPlace } from "./target-bucket.ts";
import { writeConditionally } from "./write-conditionally.ts";

/**
 * Copies a large file whose parts are known by their digests. Each part flows from the source through its digest into the
 * upload, several at a time, and none is held; what is done is kept, and the next attempt asks for the rest. The upload is
 * completed when all parts are what they should be, and the object is not there before.
 */
export async function copyInParts(job: CopyJob, message: AnnouncedFile, plan: PartPlan): Promise<CopyResult> {
  const { ledger, target, partsAtOnce, signal } = job;
  const place = await openUpload(job, plan.digest);
  const missing = plan.parts.filter(({ number }) => ledger.findEtag(number) === undefined);
  await runLimited(missing, partsAtOnce, signal, async (part, either) => {
    const etag = await copyPart(job, message, { place, part, signal: either });
    await ledger.add(part.number, etag, part.size);
  });
  const parts = plan.parts.map(({ number, sha256 }) => ({ number, sha256, etag: ledger.findEtag(number) ?? "" }));
  const { size, sha256 } = message.artifact;
  const written = await writeConditionally(job, { size, sha256 }, (condition) =>
    target.complete(place, parts, condition),
  );
  const facts = { verified: true, sourceSha256: sha256, size, ...toVersion(written) };
  if (written.kind === "present") return { kind: "present", storedSha256: written.storedSha256, ...facts };
  ledger.drop();
  return { kind: "stored", storedSha256: sha256, ...facts };
}

interface PartInput {
  readonly place: UploadPlace;
  readonly part: PlannedPart;
  readonly signal: AbortSignal;
}

async function copyPart(job: CopyJob, message: AnnouncedFile, { place, part, signal }: PartInput): Promise<string> {
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
