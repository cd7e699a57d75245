import type { CopyJob } from "./copy-job.ts";
import { toMetadata } from "./judge-stored.ts";
import type { ObjectFacts, UploadPlace } from "./target-bucket.ts";

/** The upload of a plan: the one that was begun before, or a new one, which is kept at once so that it can be found again. */
export async function openUpload(job: CopyJob, plan: string): Promise<UploadPlace> {
  const { message, target, ledger } = job;
  const key = message.ArtifactKey;
  const begun = ledger.upload;
  if (begun !== undefined && plan !== "" && begun.plan === plan) return { key, id: begun.id };
  await abortUpload(job);
  const id = await target.begin(key, toFacts(job));
  try {
    await ledger.begin({ id, plan });
  } catch (error) {
    await target.abort({ key, id });
    throw error;
  }
  return { key, id };
}

/** Ends the upload that was begun, if one was. */
export async function abortUpload({
  message,
  target,
  ledger,
}: Pick<CopyJob, "message" | "target" | "ledger">): Promise<void> {
  if (ledger.upload === undefined) return;
  await target.abort({ key: message.ArtifactKey, id: ledger.upload.id });
  ledger.drop();
}

/** What is said of the object; digests where they are known before its bytes are. */
export function toFacts(
  { message }: Pick<CopyJob, "message">,
  sha256?: { readonly source: string; readonly stored: string },
): ObjectFacts {
  const contentType = message.v === 2 ? message.artifact.contentType : undefined;
  return { metadata: toMetadata(message, sha256), ...(contentType !== undefined && { contentType }) };
}
