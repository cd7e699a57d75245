import { createHash } from "node:crypto";
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, isStackyardError, type Records, StackyardError } from "@stackyard/core";
import {
  digestManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  parseManifest,
  toManifestText,
} from "@stackyard/sdk/artifacts";
import { toVersionId } from "./events.ts";
import type { PublishedArtifact } from "./fan-out.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "./versions.ts";

/** Where artifacts and uploads lie in the source bucket. */
export interface KeyPrefixes {
  /** Before `<name>/<version>/`: empty, or ends with a slash. */
  readonly prefix: string;
  /** Before what others upload without a manifest; may be empty. Undefined: nobody does. */
  readonly uploadPrefix?: string;
}

/** What an object of the bucket is. */
type KeyKind = "manifest" | "upload" | "other";

const MANIFEST = "/manifest.json";

/** By the longest prefix that fits: one may lie in the other. */
export function classifyKey(key: string, { prefix, uploadPrefix }: KeyPrefixes): KeyKind {
  const isArtifact = key.startsWith(prefix);
  const isUpload = uploadPrefix !== undefined && key.startsWith(uploadPrefix) && !key.endsWith("/");
  if (isUpload && (!isArtifact || uploadPrefix.length > prefix.length)) return "upload";
  return isArtifact && key.endsWith(MANIFEST) ? "manifest" : "other";
}

/** Where the manifest of a version lies. */
export function toManifestKey(prefix: string, name: string, version: string): string {
  return `${prefix}${name}/${version}${MANIFEST}`;
}

/** The artifact that an upload becomes. */
export interface UploadName {
  readonly name: string;
  readonly version: string;
}

const MAX_NAME = 128;
const MAX_VERSION = 40;
/** Of files that lie in no folder. */
const NO_FOLDER = "0";

/**
 * Which artifact an uploaded file is. Files of a build arrive one by one, nobody knows which is the last, and each is announced
 * as it comes; an artifact never changes. So each file is an artifact of its own: the last folder is its version, and the rest of
 * the path its name. `team/app/dev/40/packaged.yaml` is the version `40` of `team/app/dev/packaged.yaml`.
 * What names and versions cannot have becomes `-`, and then a hash of the original sets them apart.
 */
export function toUploadName(path: string): UploadName {
  const segments = path.split("/");
  const file = segments.at(-1) ?? "";
  const folder = segments.at(-2);
  return {
    name: toName([...segments.slice(0, -2), file].join("/")),
    version: folder === undefined ? NO_FOLDER : toVersion(folder),
  };
}

/** Versions of a file that was overwritten, which is announced each time: a build cannot have two contents. */
export function toOverwrittenVersion(version: string, objectVersion: string): string {
  return `${version}+${createHash("sha256").update(objectVersion).digest("hex").slice(0, 12)}`;
}

/** Is this a version that an upload of that name gets? */
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
  // A name that is cut at a slash has no empty segment then: the mark follows.
  return kept.slice(0, maxLength - mark.length) + mark;
}

/** One version of an object of the bucket. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** The text of a manifest, what is wrong with the object, or that there is none. */
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

/** Where manifests are written. */
interface ManifestPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

/** Writes a manifest where none is; undefined where another one is already. The same one counts as written. */
export async function putManifest(place: ManifestPlace, manifest: Manifest): Promise<ObjectPlace | undefined> {
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

/** What stands in the bucket, or what is wrong with it. */
type HeadedFiles =
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

/** An uploaded object as it lies there. */
export interface HeadedUpload {
  readonly size: number;
  readonly etag: string;
  /** Undefined where the bucket keeps none: the next upload takes its place. */
  readonly versionId: string | undefined;
  readonly contentType: string | undefined;
  readonly modifiedAt: Date;
}

/**
 * The present object of a key; undefined where there is none, or another one than that of the event: a later upload has an event
 * of its own, and what it replaced must not be announced behind it.
 */
export async function headUpload(s3: S3Client, place: ObjectPlace): Promise<HeadedUpload | undefined> {
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
    throw toAwsError(error, `s3://${bucket}/${key} cannot be looked at.`);
  }
}

/**
 * Is what this manifest of an upload tells of still the newest under its key? In a bucket without versions the instants tell, which are in
 * whole seconds.
 */
export async function isNewest(s3: S3Client, bucket: string, { createdAt, files }: Manifest): Promise<boolean> {
  for (const { key, versionId } of files) {
    const head = await headUpload(s3, { bucket, key, ...(versionId && { versionId }) });
    if (head === undefined || head.modifiedAt.getTime() > Date.parse(createdAt)) return false;
  }
  return true;
}

/** Where versions are found again. */
interface PublishedSource {
  readonly records: Pick<Records, "get">;
  readonly clock: Clock;
  /** Such as `loadArtifact`. */
  load(record: ArtifactRecord): Promise<PublishedArtifact>;
}

/**
 * A published version with its manifest, as it was when it was published; undefined for one that is not known. Throws
 * `STORE_CORRUPT` where the bucket no longer has what was published: it is gone, or another one.
 */
export async function loadPublished(
  source: PublishedSource,
  name: string,
  version: string,
): Promise<PublishedArtifact | undefined> {
  const found = await source.records.get(artifactRecordKey(name, version), source.clock.now());
  return found && source.load(parseArtifactRecord(found.value));
}

/** The same for a record that was read already. */
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

/** A version with its manifest, of which each file has the id of its version. */
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
 * A published version; undefined also where the source no longer has it as it was published: retention has removed it, or somebody else has
 * done something to it, which must not keep others from what they are to get.
 */
export async function loadReadable(
  { loadPublished }: { loadPublished(name: string, version: string): Promise<PublishedArtifact | undefined> },
  { name, version }: { readonly name: string; readonly version: string },
): Promise<PublishedArtifact | undefined> {
  try {
    return await loadPublished(name, version);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** A manifest has up to some megabytes. */
const MAX = 20;

/** A publication does not change, so its manifest is read once for many receipts. */
export function rememberPublished<Publication extends Pick<ArtifactRecord, "distributionId">>(
  load: (publication: Publication) => Promise<PublishedArtifact>,
): (publication: Publication) => Promise<PublishedArtifact> {
  const known = new Map<string, Promise<PublishedArtifact>>();

  function forget(key: string): void {
    known.delete(key);
  }

  return async (publication) => {
    const key = publication.distributionId;
    const found = known.get(key) ?? load(publication);
    // The last used one stands last.
    known.delete(key);
    known.set(key, found);
    const [first] = known.keys();
    if (known.size > MAX && first !== undefined) forget(first);
    try {
      return await found;
    } catch (error) {
      forget(key);
      throw error;
    }
  };
}
