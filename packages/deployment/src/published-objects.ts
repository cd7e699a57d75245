import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { callAws, findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError, toDnsSuffix } from "@stackyard/core";
import type { ReleaseFile } from "./load-release.ts";

/** The location of releases in a bucket. */
export interface Place {
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

/** S3 guide, "General purpose bucket naming rules". */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9!_.*'()-]+(\/[A-Za-z0-9!_.*'()-]+)*\/?$/;

/** Parses a bucket and a prefix as typed; adds the slash to a prefix. Throws `USAGE`. */
export function parsePlace(bucket: string, prefix = ""): Place {
  if (!BUCKET.test(bucket)) throw new StackyardError("USAGE", `Invalid bucket name "${bucket}".`);
  if (prefix === "") return { bucket, prefix };
  if (!PREFIX.test(prefix) || prefix.length > 200) {
    const why = "A prefix is a path of letters, digits and !_.*'()- without a slash at its beginning, up to 200 long.";
    throw new StackyardError("USAGE", `Invalid prefix "${prefix}". ${why}`);
  }
  return { bucket, prefix: prefix.endsWith("/") ? prefix : `${prefix}/` };
}

/** Something published: an app's code or a template, in a version. */
interface PublishedName {
  readonly kind: "app" | "template";
  readonly name: string;
  readonly version: string;
}

/**
 * Returns the key of a zip, `<prefix><app>/<version>/<app>.zip`, or of a template,
 * `<prefix>templates/<version>/<name>.template.json`.
 */
export function toKey({ prefix }: Pick<Place, "prefix">, { kind, name, version }: PublishedName): string {
  return kind === "app"
    ? `${prefix}${name}/${version}/${name}.zip`
    : `${prefix}templates/${version}/${name}.template.json`;
}

/** Parses a key; undefined for other objects. */
export function findPublishedName({ prefix }: Pick<Place, "prefix">, key: string): PublishedName | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [folder = "", version = "", file = "", ...more] = key.slice(prefix.length).split("/");
  if (version === "" || more.length > 0) return undefined;
  if (file === `${folder}.zip`) return { kind: "app", name: folder, version };
  const [, name] = /^([a-z][a-z0-9-]*)\.template\.json$/.exec(file) ?? [];
  return folder === "templates" && name !== undefined ? { kind: "template", name, version } : undefined;
}

/** The result of one file. */
interface Published {
  readonly key: string;
  /** `present`: the object exists with the same digest; nothing was uploaded. */
  readonly action: "uploaded" | "present";
  /** S3's version; undefined if the bucket has no versioning. */
  readonly versionId: string | undefined;
  readonly sha256: string;
}

/**
 * Uploads one file of a release with its SHA-256, which S3 checks and stores. Skips a file that exists with the same
 * digest, so an interrupted publication can be repeated. Throws `RECORD_CONFLICT` when the key has another digest, unless
 * `replace` allows overwriting a published version, for development.
 */
export async function publishFile(
  s3: S3Client,
  place: Place,
  file: ReleaseFile,
  { replace = false }: { readonly replace?: boolean } = {},
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

async function upload(s3: S3Client, { bucket }: Pick<Place, "bucket">, key: string, file: ReleaseFile, isNew: boolean) {
  try {
    const { VersionId } = await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: file.body,
        ContentType: file.kind === "app" ? "application/zip" : "application/json",
        ChecksumSHA256: Buffer.from(file.sha256, "hex").toString("base64"),
        // In addition to the checksum, for stores that keep none.
        Metadata: { sha256: file.sha256 },
        ...(isNew ? { IfNoneMatch: "*" } : {}),
      }),
    );
    return VersionId;
  } catch (error) {
    // The answer to an earlier try was lost, or another publication was faster: the object says which.
    const standing = WRITTEN.test(findAwsFault(error).name ?? "") ? await findStanding(s3, { bucket }, key) : undefined;
    if (standing?.sha256 === file.sha256) return standing.versionId;
    if (standing !== undefined) throw conflict({ bucket }, key, `${standing.sha256}, written concurrently`);
    throw toAwsError(error, `s3://${bucket}/${key} cannot be uploaded.`, ADVICE[findAwsFault(error).code]);
  }
}

/** S3 guide, "Conditional writes": 412 and 409. */
const WRITTEN = /^(PreconditionFailed|ConditionalRequestConflict)$/;

const ADVICE: Readonly<Record<string, string>> = {
  NOT_FOUND: "Make the bucket first, in the region of the yard: `aws s3 mb s3://BUCKET`.",
  FORBIDDEN: "Allow s3:PutObject and s3:GetObject under the prefix, and s3:ListBucket on the bucket.",
};

interface Standing {
  readonly sha256: string;
  readonly versionId: string | undefined;
}

async function findStanding(
  s3: S3Client,
  { bucket }: Pick<Place, "bucket">,
  key: string,
): Promise<Standing | undefined> {
  const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" });
  const what = `Cannot check whether s3://${bucket}/${key} exists.`;
  const head = await callAws(() => s3.send(command), { what, advice: ADVICE, instead: { gone: undefined } });
  return head && { sha256: toDigest(head), versionId: head.VersionId };
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
  const message = `s3://${bucket}/${key} exists with another digest (${sha256}).`;
  return new StackyardError("RECORD_CONFLICT", message, { details: { hint, key } });
}

/** Something published, with its object. */
export interface PublishedObject extends PublishedName {
  readonly bytes: number;
  /** ISO 8601. */
  readonly publishedAt: string;
}

/** Lists everything that was published there, the newest first. Skips other objects. */
export async function listPublished(s3: S3Client, place: Place): Promise<readonly PublishedObject[]> {
  const found: PublishedObject[] = [];
  try {
    const pages = paginateListObjectsV2({ client: s3 }, { Bucket: place.bucket, Prefix: place.prefix });
    for await (const { Contents = [] } of pages) {
      for (const { Key = "", Size: bytes = 0, LastModified } of Contents) {
        const name = findPublishedName(place, Key);
        if (name !== undefined)
          found.push({ ...name, bytes, publishedAt: (LastModified ?? new Date(0)).toISOString() });
      }
    }
  } catch (error) {
    throw toAwsError(error, `s3://${place.bucket}/${place.prefix} cannot be listed.`);
  }
  return found.sort((a, b) => compare(b.publishedAt, a.publishedAt) || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Returns the version of a template that was published last; undefined if none was. */
export function findLatest(published: readonly PublishedObject[], template: string): string | undefined {
  return published.find(({ kind, name }) => kind === "template" && name === template)?.version;
}

/** The location of an app's code. */
interface CodeObject {
  readonly key: string;
  /** Empty if the bucket has no versioning. */
  readonly versionId: string;
}

/** Finds the published zip of an app. Throws `NOT_FOUND` when it is missing. */
export async function findCode(s3: S3Client, place: Place, name: string, version: string): Promise<CodeObject> {
  const key = toKey(place, { kind: "app", name, version });
  try {
    const { VersionId = "" } = await s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: key }));
    // S3 names the version of objects from before versioning "null", which Lambda does not take.
    return { key, versionId: VersionId === "null" ? "" : VersionId };
  } catch (error) {
    const hint = "Publish it: `stackyard apps publish`. `stackyard apps ls` lists the published releases.";
    throw toReadError(error, place, key, hint);
  }
}

/** Returns the error of a read; `hint`: what to do when the object is missing. */
function toReadError(cause: unknown, { bucket }: Place, key: string, hint: string): unknown {
  if (findAwsFault(cause).code !== "NOT_FOUND") return toAwsError(cause, `s3://${bucket}/${key} cannot be read.`);
  return new StackyardError("NOT_FOUND", `Object not found: s3://${bucket}/${key}.`, { cause, details: { hint } });
}

/** A published template. */
interface PublishedTemplate {
  readonly text: string;
  /** As CloudFormation takes it. */
  readonly url: string;
}

/** Reads a template. Throws `NOT_FOUND` when it is not there. */
export async function loadTemplate(
  s3: S3Client,
  place: Place,
  name: string,
  version: string,
): Promise<PublishedTemplate> {
  const key = toKey(place, { kind: "template", name, version });
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    const text = (await Body?.transformToString()) ?? "";
    const region: Promise<string> = s3.config.region();
    return { text, url: toTemplateUrl(place.bucket, key, await region) };
  } catch (error) {
    throw toReadError(error, place, key, "`stackyard apps ls` shows what is published.");
  }
}

/** Returns a TemplateURL, an https address of S3 (API reference, "CreateChangeSet"). */
function toTemplateUrl(bucket: string, key: string, region: string): string {
  return `https://${bucket}.s3.${region}.${toDnsSuffix(region)}/${key}`;
}

/** Stores where this project published last, as the default of the next command. */
export async function rememberPlace(dataDir: string, place: Place): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  await writeFile(fileIn(dataDir), `${JSON.stringify(place)}\n`);
}

/** Returns where this project published last; undefined when it has not published, or the file is unreadable. */
export async function findRememberedPlace(dataDir: string): Promise<Place | undefined> {
  try {
    const { bucket, prefix } = Object(JSON.parse(await readFile(fileIn(dataDir), "utf8")));
    return parsePlace(String(bucket), String(prefix ?? ""));
  } catch {
    return undefined;
  }
}

function fileIn(dataDir: string): string {
  return join(dataDir, "apps.json");
}
