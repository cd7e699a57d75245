import { createHash } from "node:crypto";
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { chunk, isStackyardError, StackyardError } from "@stackyard/core";
import {
  digestManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  parseManifest,
  toManifestText,
} from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "./context.ts";
import { toVersionId, type WrittenObject } from "./events.ts";
import type { PublishedArtifact } from "./fan-out.ts";
import type { RecordDeps } from "./records.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord, type VersionId } from "./versions.ts";

/** Prefixes of artifacts and uploads in the source bucket. */
export interface KeyPrefixes {
  /** Prefix of `<name>/<version>/`: empty, or ends with a slash. */
  readonly prefix: string;
  /** Prefix of uploads without a manifest; can be empty. Undefined: no uploads. */
  readonly uploadPrefix?: string;
}

/** The kind of an object in the bucket. */
type KeyKind = "manifest" | "upload" | "other";

const MANIFEST = "/manifest.json";

/** Classifies a key by the longest matching prefix, since one prefix can contain the other. */
export function classifyKey(key: string, { prefix, uploadPrefix }: KeyPrefixes): KeyKind {
  const isArtifact = key.startsWith(prefix);
  const isUpload = uploadPrefix !== undefined && key.startsWith(uploadPrefix) && !key.endsWith("/");
  if (isUpload && (!isArtifact || uploadPrefix.length > prefix.length)) return "upload";
  return isArtifact && key.endsWith(MANIFEST) ? "manifest" : "other";
}

/** Returns the key of a version's manifest. */
export function toManifestKey(prefix: string, name: string, version: string): string {
  return `${prefix}${name}/${version}${MANIFEST}`;
}

const MAX_NAME = 128;
const MAX_VERSION = 40;
/** Version of files without a folder. */
const NO_FOLDER = "0";

/**
 * Derives the artifact of an uploaded file. Files of a build arrive one by one, and the last one is unknown; an artifact never
 * changes. So each file is its own artifact: the last folder is the version, and the rest of the path the name.
 * `team/app/dev/40/packaged.yaml` becomes version `40` of `team/app/dev/packaged.yaml`. Invalid characters become `-`, and a hash
 * of the original is appended.
 */
export function toUploadName(path: string): VersionId {
  const segments = path.split("/");
  const file = segments.at(-1) ?? "";
  const folder = segments.at(-2);
  return {
    name: toName([...segments.slice(0, -2), file].join("/")),
    version: folder === undefined ? NO_FOLDER : toVersion(folder),
  };
}

/** Returns the version of an overwritten file. Each upload is announced, and a version cannot have two contents. */
export function toOverwrittenVersion(version: string, objectVersion: string): string {
  return `${version}+${createHash("sha256").update(objectVersion).digest("hex").slice(0, 12)}`;
}

/** Returns true when a version belongs to an upload with the version `own`. */
export function isUploadVersion(version: string, own: string): boolean {
  return version === own || (version.startsWith(`${own}+`) && /^[0-9a-f]{12}$/.test(version.slice(own.length + 1)));
}

function toName(text: string): string {
  const kept = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._/-]/g, "-")
    .replace(/^[^a-z0-9]/, "x");
  return tell(text, kept, MAX_NAME);
}

function toVersion(text: string): string {
  const kept = text.replaceAll(/[^A-Za-z0-9._+-]/g, "-").replace(/^[^A-Za-z0-9]/, "x");
  return tell(text, kept, MAX_VERSION);
}

function tell(text: string, kept: string, maxLength: number): string {
  if (kept === text && kept.length <= maxLength) return kept;
  const mark = `-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  // Appending the hash also avoids an empty segment when the cut is at a slash.
  return kept.slice(0, maxLength - mark.length) + mark;
}

/** The text of a manifest, or why it could not be read. */
type LoadedManifest =
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

/** Reads a manifest up to the size limit. Throws other errors of S3. */
export async function loadManifest(s3: S3Client, { bucket, key, versionId }: WrittenObject): Promise<LoadedManifest> {
  try {
    const request = { Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) };
    // Download at most one byte more than allowed, to detect a manifest that is too large.
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
  try {
    const object = { Bucket: bucket, Key: key, Body: text, ContentType: "application/json" };
    const { VersionId: versionId } = await s3.send(new PutObjectCommand({ ...object, IfNoneMatch: "*" }));
    return { bucket, key, ...(versionId && { versionId }) };
  } catch (error) {
    if (findAwsFault(error).name !== "PreconditionFailed") {
      throw toAwsError(error, `The manifest s3://${bucket}/${key} cannot be written.`);
    }
    const found = await loadManifest(s3, { bucket, key });
    return found.kind === "loaded" && found.text === text
      ? { bucket, key, ...(found.versionId && { versionId: found.versionId }) }
      : undefined;
  }
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
  try {
    const head = await s3.send(new HeadObjectCommand({ ...request, ChecksumMode: "ENABLED" }));
    if (head.ContentLength !== size) {
      return faulty("SIZE_MISMATCH", `${key} has ${head.ContentLength} bytes, not ${size}.`);
    }
    // A multipart upload can have a composite checksum, which is not the digest.
    const sha256 = head.ChecksumType === "FULL_OBJECT" ? head.ChecksumSHA256 : undefined;
    if (sha256 !== undefined && Buffer.from(sha256, "base64").toString("hex") !== file.sha256) {
      return faulty("SHA256_MISMATCH", `The SHA-256 of ${key} differs from the manifest.`);
    }
    return { versionId: head.VersionId ?? null };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return faulty("SOURCE_MISSING", `${key} is not in the bucket.`);
    throw toAwsError(error, `s3://${bucket}/${key} cannot be read.`);
  }
}

function faulty(code: Exclude<HeadedFiles, { kind: "headed" }>["code"], reason: string): Headed {
  return { kind: "faulty", code, reason };
}

/** An uploaded object. */
export interface HeadedUpload {
  readonly size: number;
  readonly etag: string;
  /** Undefined in an unversioned bucket: the next upload replaces the object. */
  readonly versionId: string | undefined;
  readonly contentType: string | undefined;
  readonly modifiedAt: Date;
}

/**
 * Returns the current object of a key, or undefined when it is missing or not the one of the event: a later upload has its own
 * event, and the replaced object must not be announced after it.
 */
export async function headUpload(s3: S3Client, place: WrittenObject): Promise<HeadedUpload | undefined> {
  const { bucket, key, versionId } = place;
  try {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    const own = toVersionId(head.VersionId);
    if (versionId !== undefined && own !== versionId) return undefined;
    const { ContentLength: size, ETag: etag, LastModified: modifiedAt, ContentType: contentType } = head;
    if (size === undefined || etag === undefined || modifiedAt === undefined) return undefined;
    return { size, etag, modifiedAt, versionId: own, contentType };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return undefined;
    throw toAwsError(error, `s3://${bucket}/${key} cannot be read.`);
  }
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

/** Where published versions are recorded, and how one is loaded, such as by `loadArtifact`. */
interface PublishedSource extends Pick<RecordDeps, "records" | "clock"> {
  load(record: ArtifactRecord): Promise<PublishedArtifact>;
}

/**
 * Loads a published version with its manifest; undefined for an unknown version. Throws `STORE_CORRUPT` when the manifest in the
 * bucket is missing or differs from the published one.
 */
export async function loadPublished(
  source: PublishedSource,
  name: string,
  version: string,
): Promise<PublishedArtifact | undefined> {
  const found = await source.records.get(artifactRecordKey(name, version), source.clock.now());
  return found && source.load(parseArtifactRecord(found.value));
}

/** Loads the version of a record. Throws `STORE_CORRUPT` like `loadPublished`. */
export async function loadArtifact(
  { s3, bucket }: { readonly s3: S3Client; readonly bucket: string },
  record: ArtifactRecord,
): Promise<PublishedArtifact> {
  const { manifestKey: key, manifestVersionId, manifestSha256 } = record;
  const place = { bucket, key, ...(manifestVersionId === null ? {} : { versionId: manifestVersionId }) };
  const loaded = await loadManifest(s3, place);
  const parsed = loaded.kind === "loaded" && loaded.sha256 === manifestSha256 ? parseManifest(loaded.text) : undefined;
  if (parsed?.kind === "manifest") return toPublished(record, parsed.manifest);
  throw new StackyardError("STORE_CORRUPT", `s3://${bucket}/${key} is no longer the manifest that was published.`);
}

/** Adds the recorded version ids to the files of a manifest. */
export function toPublished(record: ArtifactRecord, manifest: Manifest): PublishedArtifact {
  const { manifestKey, manifestSha256, manifestVersionId, sequence, distributionId, versionIds } = record;
  const files = manifest.files.map((file, index) => {
    const versionId = versionIds[index];
    return { ...file, ...(versionId && { versionId }) };
  });
  return {
    manifest: { ...manifest, files },
    manifestKey,
    manifestSha256,
    sequence,
    distributionId,
    ...(manifestVersionId === null ? {} : { manifestVersionId }),
  };
}

/**
 * Loads a published version; undefined also when its manifest is missing or changed, because of retention or of another writer. One
 * broken version must not block the others.
 */
export async function loadReadable(
  { loadPublished }: Pick<DistributorContext, "loadPublished">,
  { name, version }: VersionId,
): Promise<PublishedArtifact | undefined> {
  return unlessCorrupt(loadPublished(name, version));
}

/** Returns undefined when the manifest is missing or changed. */
export async function unlessCorrupt<Loaded>(loading: Promise<Loaded>): Promise<Loaded | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** A manifest can have several megabytes. */
const MAX = 20;

/** Caches publications, which never change, so that a manifest is read once for many receipts. */
export function rememberPublished<Publication extends Pick<ArtifactRecord, "distributionId">>(
  load: (publication: Publication) => Promise<PublishedArtifact>,
): (publication: Publication) => Promise<PublishedArtifact> {
  const known = new Map<string, Promise<PublishedArtifact>>();
  return async (publication) => {
    const key = publication.distributionId;
    const found = known.get(key) ?? load(publication);
    // The most recently used entry is last.
    known.delete(key);
    known.set(key, found);
    const [first] = known.keys();
    if (known.size > MAX && first !== undefined) known.delete(first);
    try {
      return await found;
    } catch (error) {
      known.delete(key);
      throw error;
    }
  };
}
