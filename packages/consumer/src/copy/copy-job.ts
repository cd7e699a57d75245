import type { ArtifactMessage } from "../artifact-message.ts";
import type { RewriteInput } from "../rewrite-template.ts";
import type { ArtifactSource, SourceFile } from "./artifact-source.ts";
import type { CopyLedger } from "./copy-ledger.ts";
import type { StoredObjects } from "./stored-object.ts";
import type { TargetBucket } from "./target-bucket.ts";

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
