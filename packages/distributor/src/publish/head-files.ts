import { HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { Manifest, ManifestFile } from "@stackyard/sdk/artifacts";

/** What stands in the bucket, or what is wrong with it. */
export type HeadedFiles =
  | { readonly kind: "headed"; readonly versionIds: readonly (string | null)[] }
  | {
      readonly kind: "faulty";
      readonly code: "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";
      readonly reason: string;
    };

type Headed = { readonly versionId: string | null } | Extract<HeadedFiles, { readonly kind: "faulty" }>;

const AT_A_TIME = 16;

/** Looks whether each file is there as the manifest says, and which version of it. Throws what S3 answers otherwise. */
export async function headFiles(s3: S3Client, bucket: string, { files }: Manifest): Promise<HeadedFiles> {
  const versionIds: (string | null)[] = [];
  for (let from = 0; from < files.length; from += AT_A_TIME) {
    const headed = await Promise.all(files.slice(from, from + AT_A_TIME).map((file) => headFile(s3, bucket, file)));
    for (const each of headed) {
      if ("kind" in each) return each;
      versionIds.push(each.versionId);
    }
  }
  return { kind: "headed", versionIds };
}

async function headFile(s3: S3Client, bucket: string, file: ManifestFile): Promise<Headed> {
  const { key, versionId, size } = file;
  const request = { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) };
  try {
    const head = await s3.send(new HeadObjectCommand({ ...request, ChecksumMode: "ENABLED" }));
    if (head.ContentLength !== size) {
      return faulty("SIZE_MISMATCH", `${key} has ${head.ContentLength} bytes, not ${size}.`);
    }
    // The checksum of an object that was uploaded in parts is one of checksums.
    const sha256 = head.ChecksumType === "FULL_OBJECT" ? head.ChecksumSHA256 : undefined;
    if (sha256 !== undefined && Buffer.from(sha256, "base64").toString("hex") !== file.sha256) {
      return faulty("SHA256_MISMATCH", `${key} has another digest than the manifest says.`);
    }
    return { versionId: head.VersionId ?? null };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return faulty("SOURCE_MISSING", `${key} is not in the bucket.`);
    throw toAwsError(error, `s3://${bucket}/${key} cannot be looked at.`);
  }
}

function faulty(code: Exclude<HeadedFiles, { kind: "headed" }>["code"], reason: string): Headed {
  return { kind: "faulty", code, reason };
}
