import type { HeadObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import type { ManifestPart } from "../manifest.ts";
import { statusOf, toSdkError } from "../to-sdk-error.ts";
import { toCompositeSha256 } from "./file-digest.ts";

/** An object, as far as it can be told without reading it. */
export interface StandingFile {
  readonly size: number;
  readonly etag: string;
  readonly versionId?: string;
  /** Of its bytes, as whoever put it there has written beside it. */
  readonly sha256?: string;
  /** Of the bytes as they lie there, where a consumer has rewritten a template; `sha256` is the source's then. */
  readonly storedSha256?: string;
  /** S3's own: the digest of the bytes, or over those of its parts. Base64. */
  readonly checksum?: string;
}

/** Where an object lies. */
export interface ObjectPlace {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly signal?: AbortSignal;
}

/** What stands there; undefined: nothing. Throws `FORBIDDEN`, `CONFIG_INVALID`, `UNREACHABLE` and what else S3 answers. */
export async function findStandingFile(place: ObjectPlace): Promise<StandingFile | undefined> {
  const { client, bucket, key, versionId, signal } = place;
  const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    ChecksumMode: "ENABLED",
    ...(versionId === undefined ? {} : { VersionId: versionId }),
  });
  try {
    return toStanding(await client.send(command, signal === undefined ? {} : { abortSignal: signal }));
  } catch (error) {
    if (statusOf(error) === 404 && !(error instanceof Error && error.name === "NoSuchBucket")) return undefined;
    const advice =
      statusOf(error) === 403 ? " Allow s3:GetObject, and s3:ListBucket, without which S3 denies what is missing." : "";
    throw toSdkError(error, `"${key}" in the bucket ${bucket} could not be looked at.${advice}`);
  }
}

function toStanding(head: HeadObjectCommandOutput): StandingFile {
  const { ContentLength: size = 0, ETag: etag = "", VersionId: versionId, ChecksumSHA256: checksum, Metadata } = head;
  const sha256 = Metadata?.["stackyard-sha256"];
  const storedSha256 = Metadata?.["stackyard-stored-sha256"];
  return {
    size,
    etag,
    ...(versionId === undefined || versionId === "null" ? {} : { versionId }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(storedSha256 === undefined ? {} : { storedSha256 }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

/**
 * The bytes that are described, as far as can be told without reading: S3's own checksum counts before what somebody
 * wrote. A rewritten template is known by the digest of what it was made of.
 */
export function holdsFile(
  standing: StandingFile,
  file: {
    readonly size: number;
    readonly sha256: string;
    readonly parts?: readonly ManifestPart[] | undefined;
    readonly rewrite?: "none" | "template" | undefined;
  },
): "yes" | "no" | "unknown" {
  const { checksum, sha256, storedSha256 } = standing;
  if (file.rewrite === "template" && storedSha256 !== undefined) return sha256 === file.sha256 ? "yes" : "no";
  if (standing.size !== file.size) return "no";
  const own = Buffer.from(file.sha256, "hex").toString("base64");
  const expected = [own, ...(file.parts === undefined ? [] : [toCompositeSha256(file.parts)])];
  if (checksum !== undefined && expected.includes(checksum)) return "yes";
  // A checksum over all bytes is the last word; one over parts may be over other parts.
  if (checksum !== undefined && !checksum.includes("-")) return "no";
  if (sha256 === undefined) return "unknown";
  return sha256 === file.sha256 ? "yes" : "no";
}
