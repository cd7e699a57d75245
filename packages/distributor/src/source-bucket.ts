import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { chunk, defined } from "@stackyard/core";
import {
  digestManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  ServedHeaders,
  toManifestText,
} from "@stackyard/sdk/artifacts";
import { Check } from "typebox/value";
import { toManifestKey } from "./artifact-keys.ts";
import { toVersionId, type WrittenObject } from "./events.ts";

/** The text of a manifest, or why it could not be read. */
export type LoadedManifest =
  | {
      readonly kind: "loaded";
      readonly text: string;
      readonly sha256: string;
      readonly versionId: string | undefined;
      /** In whole seconds. */
      readonly modifiedAt: Date | undefined;
    }
  | { readonly kind: "unreadable"; readonly reason: string; readonly modifiedAt: Date | undefined }
  | { readonly kind: "missing" };

/** Reads a manifest up to the size limit. Throws other errors of S3. */
export async function loadManifest(s3: S3Client, { bucket, key, versionId }: WrittenObject): Promise<LoadedManifest> {
  const read = async (): Promise<LoadedManifest> => {
    const request = { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) };
    // Download at most one byte more than allowed, to detect a manifest that is too large.
    const range = { Range: `bytes=0-${MAX_MANIFEST_BYTES}` };
    const got = await s3.send(new GetObjectCommand({ ...request, ...range }));
    const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
    return toLoaded(bytes, got);
  };
  const what = `The manifest s3://${bucket}/${key} cannot be read.`;
  return callAws<LoadedManifest, LoadedManifest>(read, {
    what,
    instead: { gone: { kind: "missing" }, InvalidRange: EMPTY },
  });
}

const EMPTY = { kind: "unreadable", reason: "The manifest is empty.", modifiedAt: undefined } as const;

function toLoaded(bytes: Uint8Array, got: Pick<GetObjectCommandOutput, "VersionId" | "LastModified">): LoadedManifest {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    const reason = `The manifest has more than ${MAX_MANIFEST_BYTES} bytes.`;
    return { kind: "unreadable", reason, modifiedAt: got.LastModified };
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
    return { kind: "unreadable", reason: "The manifest is not UTF-8.", modifiedAt: got.LastModified };
  }
}

/** The location of manifests. */
interface ManifestPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

/** Writes a manifest if the key is free. Returns undefined when another one exists; the same one counts as written. */
export async function putManifest(place: ManifestPlace, manifest: Manifest): Promise<WrittenObject | undefined> {
  const { s3, bucket, prefix } = place;
  const key = toManifestKey(prefix, manifest.name, manifest.version);
  const text = toManifestText(manifest);
  const object = { Bucket: bucket, Key: key, Body: text, ContentType: "application/json" };
  const command = new PutObjectCommand({ ...object, IfNoneMatch: "*" });
  const what = `The manifest s3://${bucket}/${key} cannot be written.`;
  const policy = { what, instead: { PreconditionFailed: undefined } };
  const written = await callAws(() => s3.send(command), policy);
  if (written !== undefined) return { bucket, key, ...(written.VersionId && { versionId: written.VersionId }) };
  const found = await loadManifest(s3, { bucket, key });
  return found.kind === "loaded" && found.text === text
    ? { bucket, key, ...(found.versionId && { versionId: found.versionId }) }
    : undefined;
}

/** The version ids of the files, or the first problem. */
type HeadedFiles =
  | { readonly kind: "headed"; readonly versionIds: readonly (string | null)[] }
  | {
      readonly kind: "faulty";
      readonly code: "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";
      readonly reason: string;
    };

type Headed = { readonly versionId: string | null } | Extract<HeadedFiles, { readonly kind: "faulty" }>;

const AT_A_TIME = 16;

/** Checks that each file exists as the manifest describes it. Throws other errors of S3. */
export async function headFiles(s3: S3Client, bucket: string, { files }: Manifest): Promise<HeadedFiles> {
  const versionIds: (string | null)[] = [];
  for (const part of chunk(files, AT_A_TIME)) {
    const headed = await Promise.all(part.map((file) => headFile(s3, bucket, file)));
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
  const command = new HeadObjectCommand({ ...request, ChecksumMode: "ENABLED" });
  const policy = { what: `s3://${bucket}/${key} cannot be read.`, instead: { gone: undefined } };
  const head = await callAws(() => s3.send(command), policy);
  if (head === undefined) return faulty("SOURCE_MISSING", `${key} is not in the bucket.`);
  if (head.ContentLength !== size) {
    return faulty("SIZE_MISMATCH", `${key} has ${head.ContentLength} bytes, not ${size}.`);
  }
  // A multipart upload can have a composite checksum, which is not the digest.
  const sha256 = head.ChecksumType === "FULL_OBJECT" ? head.ChecksumSHA256 : undefined;
  if (sha256 !== undefined && Buffer.from(sha256, "base64").toString("hex") !== file.sha256) {
    return faulty("SHA256_MISMATCH", `The SHA-256 of ${key} differs from the manifest.`);
  }
  return { versionId: head.VersionId ?? null };
}

function faulty(code: Exclude<HeadedFiles, { kind: "headed" }>["code"], reason: string): Headed {
  return { kind: "faulty", code, reason };
}

/** An uploaded object. */
export interface HeadedUpload {
  readonly size: number;
  readonly etag: string;
  /** The version of the object; undefined in an unversioned bucket, where the next upload replaces the object. */
  readonly versionId: string | undefined;
  readonly contentType: string | undefined;
  /** Undefined: it is served with none of them. */
  readonly headers: ServedHeaders | undefined;
  readonly modifiedAt: Date;
}

/**
 * Returns the current object of a key, or undefined when it is missing or not the one of the event: a later upload has its own
 * event, and the replaced object must not be announced after it.
 */
export async function headUpload(s3: S3Client, place: WrittenObject): Promise<HeadedUpload | undefined> {
  const { bucket, key, versionId } = place;
  const policy = { what: `s3://${bucket}/${key} cannot be read.`, instead: { gone: undefined } };
  const head = await callAws(() => s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })), policy);
  if (head === undefined) return undefined;
  const own = toVersionId(head.VersionId);
  if (versionId !== undefined && own !== versionId) return undefined;
  const { ContentLength: size, ETag: etag, LastModified: modifiedAt, ContentType: contentType } = head;
  if (size === undefined || etag === undefined || modifiedAt === undefined) return undefined;
  return { size, etag, modifiedAt, versionId: own, contentType, headers: toServedHeaders(head) };
}

/** Returns the headers that a manifest may list. */
function toServedHeaders(head: HeadObjectCommandOutput): ServedHeaders | undefined {
  const { CacheControl, ContentDisposition, ContentEncoding, ContentLanguage } = head;
  const found = defined({
    cacheControl: CacheControl,
    contentDisposition: ContentDisposition,
    contentEncoding: ContentEncoding,
    contentLanguage: ContentLanguage,
  });
  return Object.keys(found).length > 0 && Check(ServedHeaders, found) ? found : undefined;
}

/**
 * Returns true when the upload of a manifest is still the newest of its key. In an unversioned bucket the times decide, which are in
 * whole seconds.
 */
export async function isNewest(s3: S3Client, bucket: string, { createdAt, files }: Manifest): Promise<boolean> {
  for (const { key, versionId } of files) {
    const head = await headUpload(s3, { bucket, key, ...(versionId && { versionId }) });
    if (head === undefined || head.modifiedAt.getTime() > Date.parse(createdAt)) return false;
  }
  return true;
}
