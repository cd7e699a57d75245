import { randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Manifest, type ManifestProblem, parseManifest } from "@stackyard/sdk/artifacts";
import { findCoverage } from "../cells/coverage-record.ts";
import type { RecordDeps } from "../registry/change-record.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "./artifact-record.ts";
import type { KeyPrefixes } from "./classify-key.ts";
import { digestContent } from "./digest-content.ts";
import { headFiles } from "./head-files.ts";
import { isNewest } from "./is-newest.ts";
import { isOfUpload, judgeManifest, type ManifestFault } from "./judge-manifest.ts";
import { loadManifest, type ObjectPlace } from "./load-manifest.ts";
import { nextSequence } from "./next-sequence.ts";

/** Why a version is not announced, for good. */
export interface VersionFault {
  readonly code: ManifestFault["code"] | "VERSION_CONFLICT" | "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";
  readonly reason: string;
  /** Of the manifest; the first ten. */
  readonly problems?: readonly ManifestProblem[];
}

/** A version that has its record, or what is wrong with it. */
export type RegisteredVersion =
  | { readonly kind: "registered"; readonly record: ArtifactRecord; readonly manifest: Manifest }
  /** Of an upload that a later one of the same key has replaced: that one is announced. */
  | { readonly kind: "replaced" }
  | ({ readonly kind: "refused" } & VersionFault);

/** What it works with. */
export interface RegisterDeps extends KeyPrefixes, RecordDeps {
  readonly s3: S3Client;
}

/**
 * Gives a version its record, sequence and id of distribution, once: who comes second finds them. Another content under the same
 * name and version is refused, also where the source holds it no more.
 */
export async function registerVersion(deps: RegisterDeps, place: ObjectPlace): Promise<RegisteredVersion> {
  const loaded = await loadManifest(deps.s3, place);
  if (loaded.kind === "missing") return refuse("SOURCE_MISSING", "The manifest is not in the bucket any more.");
  if (loaded.kind === "unreadable") return refuse("MANIFEST_INVALID", loaded.reason);
  const parsed = parseManifest(loaded.text);
  if (parsed.kind === "invalid") {
    const places = parsed.problems.map(({ pointer, message }) => `${pointer || "/"}: ${message}`);
    const fault = refuse("MANIFEST_INVALID", `The manifest is wrong: ${places.slice(0, 3).join(" ")}`);
    return { ...fault, problems: parsed.problems.slice(0, 10) };
  }
  const { manifest } = parsed;
  const fault = judgeManifest(manifest, place.key, deps);
  if (fault !== undefined) return { kind: "refused", ...fault };
  const known = await deps.records.get(artifactRecordKey(manifest.name, manifest.version), deps.clock.now());
  const { sha256: manifestSha256, versionId, modifiedAt } = loaded;
  const version = { manifest, manifestSha256, versionId, modifiedAt };
  if (known === undefined) return register(deps, place, { ...version, expected: "absent" });
  const isBack = await hasComeBack(deps, parseArtifactRecord(known.value), version);
  if (isBack) return register(deps, place, { ...version, expected: known.version });
  const compared = compare(known.value, manifest, manifestSha256);
  // Consumers of the first version would copy it over the later one.
  const isUntold = compared.kind === "registered" && compared.record.announcedAt === null;
  return isUntold && (await isOverwritten(deps, place, manifest)) ? { kind: "replaced" } : compared;
}

interface ReadVersion {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  readonly versionId: string | undefined;
  readonly modifiedAt: Date | undefined;
}

interface NewVersion extends ReadVersion {
  /** The record that it takes the place of. */
  readonly expected: number | "absent";
}

/** Retention has removed it from the source, and somebody has published the same content again: from then on it is as new. */
async function hasComeBack(deps: RegisterDeps, record: ArtifactRecord, version: ReadVersion): Promise<boolean> {
  const { manifest, manifestSha256 } = version;
  if (record.retiredAt !== null || record.contentSha256 !== digestContent(manifest)) return false;
  // Its new record stands already: whoever has put it there died before it was announced.
  if (record.announcedAt === null && record.manifestSha256 === manifestSha256) return false;
  return (await findCoverage(deps, manifest)).removedAt !== null;
}

async function register(deps: RegisterDeps, place: ObjectPlace, version: NewVersion): Promise<RegisteredVersion> {
  const { records, clock } = deps;
  const { manifest, manifestSha256 } = version;
  const headed = await headFiles(deps.s3, place.bucket, manifest);
  if (headed.kind === "faulty") return refuse(headed.code, headed.reason);
  const sequence = await nextSequence(deps);
  // Events come in any order. What is the newest after it has its number has a lower one than whatever is uploaded later.
  if (await isOverwritten(deps, place, manifest)) return { kind: "replaced" };
  const now = clock.now();
  const upload = isOfUpload(manifest, deps) ? manifest.files[0] : undefined;
  const writtenAt = upload === undefined ? (version.modifiedAt ?? new Date(now)).toISOString() : manifest.createdAt;
  const record: ArtifactRecord = {
    v: 1,
    name: manifest.name,
    version: manifest.version,
    manifestKey: place.key,
    manifestSha256,
    sequence,
    contentSha256: digestContent(manifest),
    manifestVersionId: version.versionId ?? null,
    distributionId: randomUUID(),
    publishedAt: new Date(now).toISOString(),
    writtenAt,
    labels: { ...manifest.labels },
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, { size }) => sum + size, 0),
    versionIds: [...headed.versionIds],
    announcedAt: null,
    retiredAt: null,
    ...(upload === undefined ? {} : { uploadKey: upload.key }),
  };
  const key = artifactRecordKey(manifest.name, manifest.version);
  const put = await records.put({ key, value: record, expected: version.expected, now });
  if (put.kind === "written") return { kind: "registered", record, manifest };
  return compare(put.current?.value, manifest, manifestSha256);
}

async function isOverwritten(deps: RegisterDeps, { bucket }: ObjectPlace, manifest: Manifest): Promise<boolean> {
  return isOfUpload(manifest, deps) && !(await isNewest(deps.s3, bucket, manifest));
}

function compare(value: unknown, manifest: Manifest, sha256: string): RegisteredVersion {
  const record = parseArtifactRecord(value);
  if (record.manifestSha256 === sha256) return { kind: "registered", record, manifest };
  const { name, version } = manifest;
  return refuse("VERSION_CONFLICT", `${name}@${version} is published already, with another content.`);
}

function refuse(code: VersionFault["code"], reason: string): RegisteredVersion & { readonly kind: "refused" } {
  return { kind: "refused", code, reason };
}
