import { HeadObjectCommand, type HeadObjectCommandOutput, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { type Place, toKey } from "../object-keys.ts";
import type { ReleaseFile } from "./load-release.ts";

/** What became of one file. */
export interface Published {
  readonly key: string;
  /** `present`: it stood there with the same digest, and nothing was uploaded. */
  readonly action: "uploaded" | "present";
  /** Of S3; undefined where the bucket keeps no versions. */
  readonly versionId: string | undefined;
  readonly sha256: string;
}

/** What standing things a publication may write over. */
export interface PublishOptions {
  /** A version that is published stays as it is; true: it may be replaced, for development. Default: false. */
  readonly replace?: boolean;
}

/**
 * Puts one file of a release into the bucket, with its SHA-256, which S3 checks and keeps. A file that stands there with the
 * same digest is left alone, so a publication that was interrupted goes on. Throws `RECORD_CONFLICT` where another one
 * stands under its version.
 */
export async function publishFile(
  s3: S3Client,
  place: Place,
  file: ReleaseFile,
  { replace = false }: PublishOptions = {},
): Promise<Published> {
  const key = toKey(place, file);
  const standing = await findStanding(s3, place, key);
  if (standing?.sha256 === file.sha256) {
    return { key, action: "present", versionId: standing.versionId, sha256: file.sha256 };
  }
  if (standing !== undefined && !replace) throw conflict(place, key, standing.sha256);
  const versionId = await upload(s3, place, key, file, standing === undefined);
  return { key, action: "uploaded", versionId, sha256: file.sha256 };
}

async function upload(s3: S3Client, { bucket }: Place, key: string, file: ReleaseFile, isNew: boolean) {
  try {
    const { VersionId } = await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: file.body,
        ContentType: file.kind === "app" ? "application/zip" : "application/json",
        ChecksumSHA256: Buffer.from(file.sha256, "hex").toString("base64"),
        // Beside the checksum, for stores that keep none.
        Metadata: { sha256: file.sha256 },
        ...(isNew ? { IfNoneMatch: "*" } : {}),
      }),
    );
    return VersionId;
  } catch (error) {
    if (findAwsFault(error).name === "PreconditionFailed") throw conflict({ bucket }, key, "another, just now");
    throw toAwsError(error, `s3://${bucket}/${key} cannot be uploaded.`, ADVICE[findAwsFault(error).code]);
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  NOT_FOUND: "Make the bucket first, in the region of the yard: `aws s3 mb s3://BUCKET`.",
  FORBIDDEN: "Allow s3:PutObject and s3:GetObject under the prefix, and s3:ListBucket on the bucket.",
};

interface Standing {
  readonly sha256: string;
  readonly versionId: string | undefined;
}

async function findStanding(s3: S3Client, { bucket }: Place, key: string): Promise<Standing | undefined> {
  try {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }));
    return { sha256: toDigest(head), versionId: head.VersionId };
  } catch (error) {
    const { code } = findAwsFault(error);
    if (code === "NOT_FOUND") return undefined;
    throw toAwsError(error, `Nobody can tell whether s3://${bucket}/${key} is there.`, ADVICE[code]);
  }
}

function toDigest({ ChecksumSHA256, ChecksumType, Metadata }: HeadObjectCommandOutput): string {
  // That of an upload in parts is one of its parts' checksums.
  if (ChecksumSHA256 !== undefined && ChecksumType !== "COMPOSITE") {
    return Buffer.from(ChecksumSHA256, "base64").toString("hex");
  }
  return Metadata?.["sha256"] ?? "unknown";
}

function conflict({ bucket }: Pick<Place, "bucket">, key: string, sha256: string): StackyardError {
  const hint = "A version is published once. Give the release another version, or replace it with --replace.";
  const message = `s3://${bucket}/${key} stands there with another digest (${sha256}).`;
  return new StackyardError("RECORD_CONFLICT", message, { details: { hint, key } });
}
