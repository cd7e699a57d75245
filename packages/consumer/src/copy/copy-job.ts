import { defined } from "@stackyard/core";
import type { AnnouncedMessage, ArtifactMessage } from "../messages.ts";
import type { RewriteInput } from "../rewrite-template.ts";
import { type ArtifactSource, CopyStop, type FileDigest, type SourceFile } from "./artifact-source.ts";
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

/** The copy of one file, with its dependencies. */
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
  /** Aborted shortly before the invocation ends. */
  readonly signal: AbortSignal;
}

/** The object that is stored under the key now. */
export interface CopyResult {
  readonly kind: "stored" | "present";
  /** The content was compared with the announced digest. */
  readonly verified: boolean;
  readonly sourceSha256: string;
  /** Differs where a template was rewritten. */
  readonly storedSha256: string;
  /** Size of the source's file, in bytes. */
  readonly size: number;
  readonly versionId?: string;
}

/** Returns the source file that a message announces. */
export function toSourceFile({ message }: Pick<CopyJob, "message">, signal: AbortSignal): SourceFile {
  const versionId = message.v === 2 ? message.source.versionId : undefined;
  return { key: message.ArtifactKey, signal, ...defined({ url: message.ArtifactUrl, versionId }) };
}

/** Returns the result of a conditional write. `sha256`: of the content to write. */
export function toResult(
  written: Written,
  sha256: string,
  facts: Pick<CopyResult, "verified" | "sourceSha256" | "size">,
): CopyResult {
  const { versionId } = written;
  const stored =
    written.kind === "written"
      ? ({ kind: "stored", storedSha256: sha256 } as const)
      : ({ kind: "present", storedSha256: written.storedSha256 } as const);
  return { ...stored, ...facts, ...defined({ versionId }) };
}

/** Returns the unfinished upload of a plan, or begins a new one and records it at once. */
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

/** Aborts the recorded upload, if any. */
export async function abortUpload({
  message,
  target,
  ledger,
}: Pick<CopyJob, "message" | "target" | "ledger">): Promise<void> {
  if (ledger.upload === undefined) return;
  await target.abort({ key: message.ArtifactKey, id: ledger.upload.id });
  ledger.drop();
}

/** Returns the metadata of the object, with digests when they are known. */
export function toFacts(
  { message }: Pick<CopyJob, "message">,
  sha256?: { readonly source: string; readonly stored: string },
): ObjectFacts {
  const { contentType, headers } = message.v === 2 ? message.artifact : {};
  return { metadata: toMetadata(message, sha256), ...defined({ contentType, headers }) };
}

/** The state of a key: the same file, or the condition for writing it. */
type FoundObject =
  | { readonly kind: "present"; readonly storedSha256: string; readonly versionId?: string }
  | { readonly kind: "free"; readonly condition: WriteCondition };

/** The outcome of a conditional write. */
type Written = Extract<FoundObject, { readonly kind: "present" }> | (WriteResult & { readonly kind: "written" });

const TRIES = 3;

/**
 * Writes a file of a version 2 message only when the key is free or contains an earlier version. The same file counts as
 * present; any other object stops the copy. A file of a version 1 message overwrites any object.
 */
export async function writeConditionally(
  job: Pick<CopyJob, "message" | "stored" | "signal">,
  own: FileDigest,
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
  throw new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason: "Another process writes the same key." });
}

/** Checks which object the key contains. Throws for another file of the same version, and for a later version. */
export async function findPresent(
  { stored, signal }: Pick<CopyJob, "stored" | "signal">,
  message: AnnouncedMessage,
  own: FileDigest,
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
      return { kind: "present", storedSha256: verdict.storedSha256, ...defined({ versionId }) };
    case "earlier":
      return { kind: "free", condition: { etag: found.etag } };
    case "unknown":
      return { kind: "free", condition: "absent" };
    case "later":
      throw new CopyStop({ kind: "superseded", reason: "The key contains a later version." });
    case "conflict": {
      const reason = `The key contains another file of ${name} ${version}.`;
      throw new CopyStop({ kind: "refused", code: "VERSION_CONFLICT", reason });
    }
  }
}
