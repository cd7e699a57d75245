import { createHash, randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { defined, StackyardError, silentLogger } from "@stackyard/core";
import type { RecordVersion } from "@stackyard/core/services";
import { type Manifest, parseManifest } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { classifyKey, isUploadVersion, type KeyPrefixes, toManifestKey, toUploadName } from "./artifact-keys.ts";
import type { WrittenObject } from "./events.ts";
import type { Announcer, PublishedArtifact } from "./fan-out.ts";
import {
  type Claim,
  Claimed,
  createObjectClaims,
  type DrainedClaims,
  type DrainOptions,
  type FreeObject,
  type ObjectClaims,
  type SaveClaim,
} from "./object-claims.ts";
import type { ManifestFault, PublishOutcome, VersionFault } from "./publish-outcome.ts";
import { toPublished } from "./published-versions.ts";
import { createParser } from "./records.ts";
import { clearRefusal, noteFailure, noteRefusal, type RefusalDeps } from "./refusals.ts";
import { headFiles, isNewest, type LoadedManifest, loadManifest } from "./source-bucket.ts";
import {
  type ArtifactRecord,
  artifacts,
  changeArtifact,
  findCoverage,
  nextSequence,
  toVersionKey,
} from "./versions.ts";

/** Publishes the manifests of the source bucket. */
export interface Publisher {
  /** Publishes a new manifest. Idempotent. */
  onManifest(manifest: WrittenObject): Promise<PublishOutcome>;
  /** Finishes interrupted publications, and looks again at manifests whose files were not there. Default limit: 50. */
  drainOutbox(options?: DrainOptions): Promise<DrainedClaims>;
}

/** Dependencies and options. */
export interface PublisherOptions extends RegisterDeps {
  readonly announcer: Pick<Announcer, "announce">;
  readonly bucket: string;
  /** Called at least once per version, before it is announced, so that early receipts are expected. */
  readonly onPublished?: (artifact: PublishedArtifact) => Promise<void>;
}

/** Files per announcement call; progress is saved in between. */
const CHUNK = 100;
const DEFAULT_LIMIT = 50;
/** Files can arrive after their manifest: in a replica or a restored bucket, or from a copy of a folder in parallel. */
const REFUSED_MS = 60 * 60_000;

/**
 * Creates a publisher, which records a version when its manifest appears and announces it to all consumers. After a crash the
 * outbox finishes the publication: every version is announced at least once, with one sequence and one id.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { bucket, clock, records, logger = silentLogger } = options;
  checkPrefixes(options);
  const outbox = createObjectClaims<Announced>(records, clock, OUTBOX, (claim, error) =>
    noteFailure(options, claim, error),
  );

  async function onManifest(manifest: WrittenObject): Promise<PublishOutcome> {
    if (manifest.bucket !== bucket || classifyKey(manifest.key, options) !== "manifest") return { kind: "ignored" };
    const outcome = await outbox.hold(manifest, (entry, save) => finish(options, { outbox, entry, save }));
    return outcome ?? { kind: "running" };
  }

  return {
    onManifest,
    drainOutbox(drained = {}) {
      const drainOne = async (object: FreeObject) => {
        try {
          const outcome = await onManifest({ bucket, ...object });
          const isOpen = outcome.kind === "refused" && outcome.refusal.retryUntil !== null;
          return outcome.kind === "running" || isOpen ? "left" : "finished";
        } catch (error) {
          logger.error("A version could not be published yet.", { key: object.key, error });
          return "failed";
        }
      };
      return outbox.drain(drainOne, { limit: DEFAULT_LIMIT, ...drained });
    },
  };
}

function checkPrefixes({ prefix, uploadPrefix }: PublisherOptions): void {
  if (prefix !== uploadPrefix) return;
  throw new StackyardError("CONFIG_INVALID", "The prefixes of uploads and artifacts must differ.");
}

interface Turn {
  readonly outbox: ObjectClaims<Announced>;
  readonly entry: OutboxEntry;
  readonly save: SaveClaim<Announced>;
}

async function finish(options: PublisherOptions, { outbox, entry, save }: Turn): Promise<PublishOutcome> {
  const { key, versionId } = entry;
  const place = { bucket: options.bucket, key, ...(versionId === null ? {} : { versionId }) };
  const registered = await registerVersion(options, place);
  if (registered.kind === "replaced" || registered.kind === "ignored") {
    await outbox.remove(entry);
    return registered;
  }
  if (registered.kind === "refused") return refuse(options, { outbox, entry }, registered);
  await clearRefusal(options, key, registered.writtenAt);
  const artifact = toPublished(registered.record, registered.manifest);
  const isDone = registered.record.announcedAt !== null || registered.record.retiredAt !== null;
  if (!isDone) await options.onPublished?.(artifact);
  const ended = isDone ? entry : await announceAll(options, save, { entry, artifact });
  if (ended === undefined) return { kind: "running" };
  if (!isDone) await markAnnounced(options, registered.record);
  await outbox.remove(ended);
  return isDone ? { kind: "known", artifact } : { kind: "published", artifact, messages: ended.announced };
}

/** Announces all files. Returns undefined when another process has taken over. */
async function announceAll(
  { announcer }: PublisherOptions,
  save: Turn["save"],
  { entry, artifact }: { readonly entry: OutboxEntry; readonly artifact: PublishedArtifact },
): Promise<OutboxEntry | undefined> {
  const keys = artifact.manifest.files.map(({ key }) => key);
  let current: OutboxEntry | undefined = entry;
  while (current !== undefined && current.announced < keys.length) {
    const until: number = Math.min(keys.length, current.announced + CHUNK);
    await announcer.announce(artifact, "ALL", keys.slice(current.announced, until));
    current = await save(current, { announced: until });
  }
  return current;
}

async function markAnnounced(options: PublisherOptions, announced: ArtifactRecord): Promise<void> {
  const announcedAt = new Date(options.clock.now()).toISOString();
  await changeArtifact(options, announced, (record) => ({ ...record, announcedAt: record.announcedAt ?? announcedAt }));
}

/** The faults that can disappear without another manifest. */
const PASSING: ReadonlySet<VersionFault["code"]> = new Set(["SOURCE_MISSING", "SIZE_MISMATCH", "SHA256_MISMATCH"]);

/** Keeps a manifest in the outbox for an hour while its refusal may pass. Each refusal is recorded. */
async function refuse(
  options: PublisherOptions,
  { outbox, entry }: Pick<Turn, "outbox" | "entry">,
  { code, reason, writtenAt }: VersionFault & { readonly writtenAt: number },
): Promise<PublishOutcome> {
  const { key, versionId, since } = entry;
  const isOpen = PASSING.has(code) && options.clock.now() < since + REFUSED_MS;
  const retryUntil = isOpen ? since + REFUSED_MS : null;
  await noteRefusal(options, { key, code, reason, writtenAt, retryUntil });
  await (isOpen ? outbox.release(entry) : outbox.remove(entry));
  return { kind: "refused", refusal: { key, versionId, code, reason, retryUntil } };
}

/** A recorded version, or why it is refused. */
type RegisteredVersion =
  | { readonly kind: "registered"; readonly record: ArtifactRecord; readonly manifest: Manifest }
  /** A later upload of the same key replaced this one and is announced instead. */
  | { readonly kind: "replaced" }
  | ({ readonly kind: "refused" } & VersionFault);

/** Dependencies and options. */
interface RegisterDeps extends RefusalDeps {
  readonly s3: S3Client;
}

/**
 * Creates the record of a version with its sequence and distribution id, or finds the existing one. Other content under the same
 * name and version is refused, even after the version was removed from the source. `writtenAt`: of the manifest.
 */
async function registerVersion(
  deps: RegisterDeps,
  place: WrittenObject,
): Promise<(RegisteredVersion & { readonly writtenAt: number }) | { readonly kind: "ignored" }> {
  const loaded = await loadManifest(deps.s3, place);
  // Someone who has deleted a manifest has withdrawn it.
  if (loaded.kind === "missing") return { kind: "ignored" };
  const writtenAt = loaded.modifiedAt?.getTime() ?? deps.clock.now();
  return { ...(await registerLoaded(deps, place, loaded)), writtenAt };
}

async function registerLoaded(
  deps: RegisterDeps,
  place: WrittenObject,
  loaded: Exclude<LoadedManifest, { readonly kind: "missing" }>,
): Promise<RegisteredVersion> {
  if (loaded.kind === "unreadable") return refuseVersion("MANIFEST_INVALID", loaded.reason);
  const parsed = parseManifest(loaded.text);
  if (parsed.kind === "invalid") {
    const places = parsed.problems.map(({ pointer, message }) => `${pointer || "/"}: ${message}`);
    return refuseVersion("MANIFEST_INVALID", `The manifest is invalid: ${places.slice(0, 3).join(" ")}`);
  }
  const { manifest } = parsed;
  const fault = validateManifest(manifest, place.key, deps);
  if (fault !== undefined) return { kind: "refused", ...fault };
  const known = await artifacts.load(deps, toVersionKey(manifest));
  const { sha256: manifestSha256, versionId, modifiedAt } = loaded;
  const version = { manifest, manifestSha256, versionId, modifiedAt };
  if (known.value === undefined) return register(deps, place, { ...version, expected: known.version });
  const isBack = await hasComeBack(deps, known.value, version);
  if (isBack) return register(deps, place, { ...version, expected: known.version });
  const compared = compare(known.value, manifest, manifestSha256);
  // Version 1 consumers would overwrite the later upload with it.
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
  /** Version of the record that it replaces. */
  readonly expected: RecordVersion;
}

/** Returns true when retention removed the version and the same content was published again: then it counts as new. */
async function hasComeBack(deps: RegisterDeps, record: ArtifactRecord, version: ReadVersion): Promise<boolean> {
  const { manifest, manifestSha256 } = version;
  if (record.retiredAt !== null || record.contentSha256 !== digestContent(manifest)) return false;
  // The new record exists already: a process crashed before the announcement.
  if (record.announcedAt === null && record.manifestSha256 === manifestSha256) return false;
  return (await findCoverage(deps, manifest)).removedAt !== null;
}

async function register(deps: RegisterDeps, place: WrittenObject, version: NewVersion): Promise<RegisteredVersion> {
  const { manifest, manifestSha256 } = version;
  const headed = await headFiles(deps.s3, place.bucket, manifest);
  if (headed.kind === "faulty") return refuseVersion(headed.code, headed.reason);
  const sequence = await nextSequence(deps);
  // Events arrive in any order. An upload that is still the newest after it got its sequence precedes all later uploads.
  if (await isOverwritten(deps, place, manifest)) return { kind: "replaced" };
  const now = deps.clock.now();
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
    ...defined({ uploadKey: upload?.key }),
  };
  const name = toVersionKey(manifest);
  const next = await artifacts.replace(deps, { name, version: version.expected }, { value: record });
  if (next !== undefined) return { kind: "registered", record, manifest };
  const other = await artifacts.find(deps, name);
  if (other !== undefined) return compare(other, manifest, manifestSha256);
  throw new StackyardError("RECORD_CONFLICT", `The record of ${name} was removed while it was written. Try again.`);
}

async function isOverwritten(deps: RegisterDeps, { bucket }: WrittenObject, manifest: Manifest): Promise<boolean> {
  return isOfUpload(manifest, deps) && !(await isNewest(deps.s3, bucket, manifest));
}

function compare(record: ArtifactRecord, manifest: Manifest, sha256: string): RegisteredVersion {
  if (record.manifestSha256 === sha256) return { kind: "registered", record, manifest };
  const { name, version } = manifest;
  return refuseVersion("VERSION_CONFLICT", `${name}@${version} is already published with other content.`);
}

function refuseVersion(code: VersionFault["code"], reason: string): RegisteredVersion & { readonly kind: "refused" } {
  return { kind: "refused", code, reason };
}

/**
 * Validates key and files of a manifest. It may name only files in its own folder, so that a writer of one artifact cannot
 * announce files of another one; or a single upload, under the name of that upload.
 */
export function validateManifest(manifest: Manifest, key: string, prefixes: KeyPrefixes): ManifestFault | undefined {
  const { name, version, files } = manifest;
  if (key !== toManifestKey(prefixes.prefix, name, version)) {
    return { code: "MANIFEST_INVALID", reason: `The manifest of ${name}@${version} has the wrong key.` };
  }
  if (isOfUpload(manifest, prefixes)) return undefined;
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const stray = files.findIndex((file) => !file.key.startsWith(folder) || file.key === key);
  if (stray < 0) return undefined;
  return { code: "KEY_INVALID", reason: `The key at /files/${stray}/key is not in the folder of this version.` };
}

/** Returns true for the manifest that the function creates for an upload. */
function isOfUpload({ name, version, files }: Manifest, prefixes: KeyPrefixes): boolean {
  const [file, ...others] = files;
  if (file === undefined || others.length > 0 || classifyKey(file.key, prefixes) !== "upload") return false;
  const own = toUploadName(file.key.slice(prefixes.uploadPrefix?.length));
  return own.name === name && isUploadVersion(version, own.version);
}

/** Returns a SHA-256 over the content of a version: bytes, paths and rewrite modes, independent of time and publisher. */
function digestContent({ files }: Pick<Manifest, "files">): string {
  const content = files.map(({ key, size, sha256, rewrite = "none" }) => JSON.stringify([key, size, sha256, rewrite]));
  return createHash("sha256").update(content.sort().join()).digest("hex");
}

interface Announced {
  /** Number of files that were announced to all consumers. */
  readonly announced: number;
}

/** A manifest whose publication is unfinished, claimed by this process. */
type OutboxEntry = Claim<Announced>;

/** Manifests whose publication is unfinished. */
const OUTBOX = {
  name: "outbox",
  /** Longer than the longest time between two saves: a hundred messages at the rate of a consumer, with retries. */
  takenMs: 120_000,
  fresh: { announced: 0 },
  parse: createParser(Type.Object({ ...Claimed, announced: Type.Integer({ minimum: 0 }) })),
};
