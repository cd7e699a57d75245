import type { Manifest } from "@stackyard/sdk/artifacts";
import type { ReceivedReceipt } from "./received-receipt.ts";
import type { FileArrived, FileFailed } from "./reduce-cell.ts";

/**
 * What a receipt means for the cell of this version; undefined: nothing. It tells of a file by its key, and one about another digest is
 * about another file.
 */
export function toCellEvent(receipt: ReceivedReceipt, manifest: Manifest): FileArrived | FileFailed | undefined {
  const { status, code, verified, sourceSha256, storedSha256, artifact } = receipt;
  const index = manifest.files.findIndex(({ key }) => key === artifact.key);
  const file = manifest.files[index];
  // The receipt of a retirement says that the file is gone.
  if (file === undefined || code === "RETIRED") return undefined;
  const at = Date.parse(receipt.at);
  if (status === "failed" || status === "rejected") {
    const isAnother = sourceSha256 !== null && sourceSha256 !== file.sha256;
    return isAnother ? undefined : { kind: status, at, file: index, code: code ?? "UNKNOWN" };
  }
  if (sourceSha256 !== file.sha256) return undefined;
  const isRewritten = storedSha256 !== null && storedSha256 !== file.sha256;
  return { kind: status, at, file: index, verified, ...(isRewritten ? { rewrittenSha256: storedSha256 } : {}) };
}
