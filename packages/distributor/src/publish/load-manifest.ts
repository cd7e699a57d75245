import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { digestManifest, MAX_MANIFEST_BYTES } from "@stackyard/sdk/artifacts";

/** One version of an object of the bucket. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** The text of a manifest, what is wrong with the object, or that there is none. */
export type LoadedManifest =
  | {
      readonly kind: "loaded";
      readonly text: string;
      readonly sha256: string;
      readonly versionId: string | undefined;
      /** In whole seconds. */
      readonly modifiedAt: Date | undefined;
    }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "missing" };

/** Reads a manifest, but not one that is too large. Throws what S3 answers otherwise. */
export async function loadManifest(s3: S3Client, { bucket, key, versionId }: ObjectPlace): Promise<LoadedManifest> {
  try {
    const request = { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) };
    // More is not downloaded, whatever lies there; one byte more tells that it is too much.
    const range = { Range: `bytes=0-${MAX_MANIFEST_BYTES}` };
    const got = await s3.send(new GetObjectCommand({ ...request, ...range }));
    const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
    return toLoaded(bytes, got);
  } catch (error) {
    const { name, code } = findAwsFault(error);
    if (code === "NOT_FOUND") return { kind: "missing" };
    if (name === "InvalidRange") return { kind: "unreadable", reason: "The manifest is empty." };
    throw toAwsError(error, `The manifest s3://${bucket}/${key} cannot be read.`);
  }
}

function toLoaded(bytes: Uint8Array, got: Pick<GetObjectCommandOutput, "VersionId" | "LastModified">): LoadedManifest {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    return { kind: "unreadable", reason: `The manifest has more than ${MAX_MANIFEST_BYTES} bytes.` };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return {
      kind: "loaded",
      text,
      sha256: digestManifest(text),
      versionId: got.VersionId,
      modifiedAt: got.LastModified,
    };
  } catch {
    return { kind: "unreadable", reason: "The manifest is not UTF-8." };
  }
}
