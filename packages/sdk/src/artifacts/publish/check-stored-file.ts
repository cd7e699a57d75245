import type { S3Client } from "@aws-sdk/client-s3";
import type { ManifestFile } from "../manifest.ts";
import { toSdkError } from "../to-sdk-error.ts";
import { createFileDigest } from "./file-digest.ts";
import { SINGLE_BYTES } from "./part-bytes.ts";
import { findStandingFile, holdsFile, type ObjectPlace, type StandingFile } from "./standing-file.ts";

/** Where to look, and how closely. */
export interface CheckStoredFileInput {
  readonly client: S3Client;
  readonly bucket: string;
  /** As a manifest describes it. Its `versionId` is the source's; give none for a consumer's bucket. */
  readonly file: Pick<ManifestFile, "key" | "size" | "sha256" | "parts" | "versionId" | "rewrite">;
  /** Reads every byte. Default: only where S3 cannot tell otherwise. */
  readonly read?: boolean;
  readonly signal?: AbortSignal;
}

/** What was seen of it. */
export interface StoredFileCheck {
  readonly verdict: "matching" | "missing" | "different";
  /** Of what stands there; null: nothing does. */
  readonly sha256: string | null;
}

/** Does a bucket hold a file of a manifest? By S3's checksum or the digest beside the object, else by reading it. */
export async function checkStoredFile(input: CheckStoredFileInput): Promise<StoredFileCheck> {
  const { client, bucket, file, read = false, signal } = input;
  const { key, versionId } = file;
  const options = { ...(versionId === undefined ? {} : { versionId }), ...(signal === undefined ? {} : { signal }) };
  const place = { client, bucket, key, ...options };
  const standing = await findStandingFile(place);
  if (standing === undefined) return { verdict: "missing", sha256: null };
  const known = read ? "unknown" : holdsFile(standing, file);
  if (known === "yes") return { verdict: "matching", sha256: file.sha256 };
  // What is written beside an object that is something else says nothing of its bytes.
  if (known === "no" && standing.sha256 !== undefined && standing.sha256 !== file.sha256) {
    return { verdict: "different", sha256: standing.sha256 };
  }
  const sha256 = await readDigest(place);
  return sha256 === findExpected(standing, file)
    ? { verdict: "matching", sha256: file.sha256 }
    : { verdict: "different", sha256 };
}

/** The digest that the bytes must have. Only of a template of this very source may they be others. */
function findExpected({ sha256, storedSha256 }: StandingFile, file: CheckStoredFileInput["file"]): string {
  return file.rewrite === "template" && sha256 === file.sha256 ? (storedSha256 ?? file.sha256) : file.sha256;
}

async function readDigest({ client, bucket, key, versionId, signal }: ObjectPlace): Promise<string> {
  const at = { Bucket: bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) };
  const digest = createFileDigest(SINGLE_BYTES);
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    const { Body } = await client.send(new GetObjectCommand(at), signal === undefined ? {} : { abortSignal: signal });
    if (Body !== undefined && Symbol.asyncIterator in Body) {
      for await (const chunk of Body) digest.update(chunk);
    }
  } catch (error) {
    throw toSdkError(error, `"${key}" in the bucket ${bucket} could not be read.`);
  }
  return digest.end().sha256;
}
