import { findAwsFault, toAwsError } from "@stackyard/aws";
import { CopyStop } from "./copy-fault.ts";

/** Names of an upload that cannot be completed any more (Amazon S3 API reference, "Error responses"). */
const LOST = new Set(["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"]);
/** What arrived is not what was digested. */
const CHANGED = new Set(["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"]);

/** An error of a call to the consumer's own bucket as what it means for the copy. Faults of ours stay what they are. */
export function toTargetStop(error: unknown): Error {
  if (error instanceof CopyStop) return error;
  const { kind, name = "", code } = findAwsFault(error);
  const said = name === "" ? "" : ` (${name})`;
  if (LOST.has(name)) return new CopyStop({ kind: "lost", reason: `The upload has gone${said}.` });
  if (CHANGED.has(name)) {
    return new CopyStop({ kind: "counted", code: "SHA256_MISMATCH", reason: `The bytes changed on their way${said}.` });
  }
  if (kind === "retryable" || code === "UNAUTHENTICATED" || code === "RECORD_CONFLICT" || name === "IncompleteBody") {
    const reason = `The target bucket does not take the file now${said}.`;
    return new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason });
  }
  if (code === "INTERNAL" || code === "INTERRUPTED") return toAwsError(error, "The target bucket was not asked.");
  return new CopyStop({ kind: "target", code: "TARGET_DENIED", reason: `The target bucket refuses the file${said}.` });
}
