import type { AnnouncedMessage, ArtifactMessage } from "../messages.ts";
import type { RewriteInput } from "../rewrite-template.ts";
import type { ArtifactSource, SourceFile } from "./artifact-source.ts";
import { CopyStop } from "./artifact-source.ts";
import type { CopyLedger } from "./copy-memory.ts";
import {
  compareStored,
  type ObjectFacts,
  type StoredObjects,
  type TargetBucket,
  toMetadata,
  type UploadPlace,
  type WriteCondition,
  type WriteResult,
} from "./target-bucket.ts";

/** One file on its way, and what it needs. */
export interface CopyJob {
  readonly message: ArtifactMessage;
  readonly source: ArtifactSource;
  readonly target: TargetBucket;
  readonly stored: StoredObjects;
  readonly ledger: CopyLedger;
  readonly buckets: RewriteInput;
  readonly maxBytes: number;
  readonly partsAtOnce: number;
  /** Larger files are uploaded in parts. */
  readonly wholeBytes: number;
  /** For temporary files. */
  readonly folder: string;
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
}

/** What stands under the key now. */
export interface CopyResult {
  readonly kind: "stored" | "present";
  /** It was compared with what was announced. */
  readonly verified: boolean;
  readonly sourceSha256: string;
  /** Differs where a template was rewritten. */
  readonly storedSha256: string;
  /** Of the source's file. */
  readonly size: number;
  readonly versionId?: string;
}

/** The message's file at its source. */
export function toSourceFile({ message }: Pick<CopyJob, "message">, signal: AbortSignal): SourceFile {
  const versionId = message.v === 2 ? message.source.versionId : undefined;
  return {
    key: message.ArtifactKey,
    signal,
    ...(message.ArtifactUrl !== undefined && { url: message.ArtifactUrl }),
    ...(versionId !== undefined && { versionId }),
  };
}

/** The version of the object, where the bucket keeps versions. */
export function toVersion({ versionId }: { readonly versionId?: string }): { readonly versionId?: string } {
  return versionId === undefined ? {} : { versionId };
}

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

/** What would be written: size, and digest in hex. */
interface OwnBytes {
  readonly size: number;
  readonly sha256: string;
}

/** What lies under the key: this very file, or what a write must find there. */
type FoundObject =
  | { readonly kind: "present"; readonly storedSha256: string; readonly versionId?: string }
  | { readonly kind: "free"; readonly condition: WriteCondition };

/** What came of a write. */
type Written = Extract<FoundObject, { readonly kind: "present" }> | (WriteResult & { readonly kind: "written" });

const TRIES = 3;

/**
 * Writes a file that has a version where nothing lies, or over an earlier version of the key. Where something lies it is
 * looked at: this very file is present, and anything else stops the copy. A file without a version is written over anything.
 */
export async function writeConditionally(
  job: Pick<CopyJob, "message" | "stored" | "signal">,
  own: OwnBytes,
  write: (condition: WriteCondition) => Promise<WriteResult>,
): Promise<Written> {
  const { message } = job;
  let condition: WriteCondition = message.v === 1 ? "any" : "absent";
  for (let tries = 0; tries < TRIES; tries += 1) {
    const result = await write(condition);
    if (result.kind === "written") return result;
    if (message.v === 1) break;
    const found = await findPresent(job, message, own);
    if (found.kind === "present") return found;
    condition = found.condition;
  }
  throw new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason: "Others write the same key." });
}

/** Looks at what lies under the key. Stops the copy where that is another file of the same version, or a later one. */
export async function findPresent(
  { stored, signal }: Pick<CopyJob, "stored" | "signal">,
  message: AnnouncedMessage,
  own: OwnBytes,
): Promise<FoundObject> {
  const found = await stored.find(message.ArtifactKey);
  if (found === undefined) return { kind: "free", condition: "absent" };
  const first = compareStored(found, message, { own });
  const read = first.kind === "unknown" ? await stored.digest(message.ArtifactKey, found.etag, signal) : undefined;
  const verdict = read === undefined ? first : compareStored(found, message, { own, read });
  const { versionId } = found;
  const { name, version } = message.artifact;
  switch (verdict.kind) {
    case "same":
      return { kind: "present", storedSha256: verdict.storedSha256, ...(versionId !== undefined && { versionId }) };
    case "earlier":
      return { kind: "free", condition: { etag: found.etag } };
    case "unknown":
      return { kind: "free", condition: "absent" };
    case "later":
      throw new CopyStop({ kind: "superseded", reason: "A later version lies under the key." });
    case "conflict": {
      const reason = `Another file of ${name} ${version} lies under the key.`;
      throw new CopyStop({ kind: "refused", code: "VERSION_CONFLICT", reason });
    }
  }
}
