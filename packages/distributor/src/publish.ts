import { createHash, randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, type Logger, type Records, StackyardError, silentLogger } from "@stackyard/core";
import { type Manifest, type ManifestProblem, parseManifest } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Announcer, PublishedArtifact } from "./fan-out.ts";
import { type Claim, Claimed, createObjectClaims, type ObjectClaims, type RecordDeps } from "./records.ts";
import {
  classifyKey,
  headFiles,
  isNewest,
  isUploadVersion,
  type KeyPrefixes,
  loadManifest,
  type ObjectPlace,
  toManifestKey,
  toPublished,
  toUploadName,
} from "./source-bucket.ts";
import {
  type ArtifactRecord,
  artifactRecordKey,
  changeArtifact,
  findCoverage,
  nextSequence,
  parseArtifactRecord,
} from "./versions.ts";

/** A manifest that is not announced, and why. */
interface Refusal extends VersionFault {
  readonly key: string;
  readonly versionId: string | null;
}

/** What became of a manifest. */
export type PublishOutcome =
  | { readonly kind: "published"; readonly artifact: PublishedArtifact; readonly messages: number }
  /** It was announced before. */
  | { readonly kind: "known"; readonly artifact: PublishedArtifact }
  /** Somebody else is at it, or was until it died: the outbox finishes it. */
  | { readonly kind: "running" }
  /** Of an upload, of which a later one has taken the place before it was announced. */
  | { readonly kind: "replaced" }
  /** No manifest of this bucket. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What was found in the outbox: finished, failed, and left to somebody else or to the next time. */
interface DrainedOutbox {
  readonly finished: number;
  readonly failed: number;
  readonly left: number;
}

/** Publishes what appears in the source bucket. */
export interface Publisher {
  /** A manifest appeared; may be called as often as one likes. */
  onManifest(manifest: ObjectPlace): Promise<PublishOutcome>;
  /**
   * Finishes what others have begun. Default limit: 50; what fails does not count, or those behind it would wait for ever. `deadlineAt`: epoch
   * milliseconds; nothing is begun afterwards.
   */
  drainOutbox(options?: { readonly limit?: number; readonly deadlineAt?: number }): Promise<DrainedOutbox>;
}

/** What it works with. */
export interface PublisherOptions extends RegisterDeps {
  readonly announcer: Pick<Announcer, "announce">;
  readonly bucket: string;
  /** Called once at least for each version, before anybody is told of it: who answers at once must be expected already. */
  readonly onPublished?: (artifact: PublishedArtifact) => Promise<void>;
  /** Called once at least for each manifest that is not announced. */
  readonly onRefused?: (refusal: Refusal) => Promise<void>;
  /** Default: none. */
  readonly logger?: Logger;
}

/** Announced in one go: progress is kept between. */
const CHUNK = 100;
const DEFAULT_LIMIT = 50;
const REFUSED_MS = 30 * 24 * 60 * 60_000;

/**
 * Publishes a version when its manifest appears: its record, then the announcements to everybody, then it is done. Whoever dies on
 * the way, the outbox brings it to its end: every version is announced once at least, with one sequence and one id.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { bucket, clock, records, logger = silentLogger } = options;
  checkPrefixes(options);
  const outbox = createOutbox(records, clock);

  async function onManifest(manifest: ObjectPlace): Promise<PublishOutcome> {
    if (manifest.bucket !== bucket || classifyKey(manifest.key, options) !== "manifest") return { kind: "ignored" };
    const outcome = await outbox.hold(manifest, (entry, save) => finish(options, { outbox, entry, save }));
    return outcome ?? { kind: "running" };
  }

  async function drainOne(place: ObjectPlace): Promise<keyof DrainedOutbox> {
    try {
      return (await onManifest(place)).kind === "running" ? "left" : "finished";
    } catch (error) {
      logger.error("A version could not be published yet.", { key: place.key, error });
      return "failed";
    }
  }

  return {
    onManifest,
    async drainOutbox({ limit = DEFAULT_LIMIT, deadlineAt = Number.POSITIVE_INFINITY } = {}) {
      const counts = { finished: 0, failed: 0, left: 0 };
      const isOver = () => counts.finished >= limit || clock.now() >= deadlineAt;
      let cursor: string | undefined;
      do {
        const page = await outbox.listFree(cursor);
        counts.left += page.busy;
        for (const each of page.free) counts[isOver() ? "left" : await drainOne({ bucket, ...each })] += 1;
        cursor = page.cursor;
      } while (cursor !== undefined && !isOver());
      return counts;
    },
  };
}

function checkPrefixes({ prefix, uploadPrefix }: PublisherOptions): void {
  if (prefix !== uploadPrefix) return;
  throw new StackyardError(
    "CONFIG_INVALID",
    "Uploads need another prefix than artifacts, or none of them is told apart.",
  );
}

interface Turn {
  readonly outbox: Outbox;
  readonly entry: OutboxEntry;
  readonly save: Parameters<Parameters<Outbox["hold"]>[1]>[1];
}

async function finish(options: PublisherOptions, { outbox, entry, save }: Turn): Promise<PublishOutcome> {
  const { key, versionId } = entry;
  const place = { bucket: options.bucket, key, ...(versionId === null ? {} : { versionId }) };
  const registered = await registerVersion(options, place);
  if (registered.kind === "replaced") {
    await outbox.remove(entry);
    return registered;
  }
  if (registered.kind === "refused") {
    const { kind: _, ...fault } = registered;
    const refusal = { key, versionId, ...fault };
    await refuse(options, entry, refusal);
    await outbox.remove(entry);
    return { kind: "refused", refusal };
  }
  const artifact = toPublished(registered.record, registered.manifest);
  const isDone = registered.record.announcedAt !== null || registered.record.retiredAt !== null;
  if (!isDone) await options.onPublished?.(artifact);
  const ended = isDone ? entry : await announceAll(options, save, { entry, artifact });
  if (ended === undefined) return { kind: "running" };
  if (!isDone) await markAnnounced(options, registered.record);
  await outbox.remove(ended);
  return isDone ? { kind: "known", artifact } : { kind: "published", artifact, messages: ended.announced };
}

/** Undefined when somebody else has taken it over. */
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

async function refuse(options: PublisherOptions, entry: OutboxEntry, refusal: Refusal): Promise<void> {
  const { records, clock, logger = silentLogger } = options;
  const now = clock.now();
  logger.warn("A manifest is not announced.", { key: refusal.key, code: refusal.code, reason: refusal.reason });
  const key = entry.recordKey.replace(/^outbox/, "refused");
  const value = { ...refusal, at: new Date(now).toISOString() };
  // Where it was refused before, its record stands.
  await records.put({ key, value, expected: "absent", expiresAt: now + REFUSED_MS, now });
  await options.onRefused?.(refusal);
}

/** Why a version is not announced, for good. */
interface VersionFault {
  readonly code: ManifestFault["code"] | "VERSION_CONFLICT" | "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";
  readonly reason: string;
  /** Of the manifest; the first ten. */
  readonly problems?: readonly ManifestProblem[];
}

/** A version that has its record, or what is wrong with it. */
type RegisteredVersion =
  | { readonly kind: "registered"; readonly record: ArtifactRecord; readonly manifest: Manifest }
  /** Of an upload that a later one of the same key has replaced: that one is announced. */
  | { readonly kind: "replaced" }
  | ({ readonly kind: "refused" } & VersionFault);

/** What it works with. */
interface RegisterDeps extends KeyPrefixes, RecordDeps {
  readonly s3: S3Client;
}

/**
 * Gives a version its record, sequence and id of distribution, once: who comes second finds them. Another content under the same
 * name and version is refused, also where the source holds it no more.
 */
async function registerVersion(deps: RegisterDeps, place: ObjectPlace): Promise<RegisteredVersion> {
  const loaded = await loadManifest(deps.s3, place);
  if (loaded.kind === "missing")
    return refuseRegisterVersion("SOURCE_MISSING", "The manifest is not in the bucket any more.");
  if (loaded.kind === "unreadable") return refuseRegisterVersion("MANIFEST_INVALID", loaded.reason);
  const parsed = parseManifest(loaded.text);
  if (parsed.kind === "invalid") {
    const places = parsed.problems.map(({ pointer, message }) => `${pointer || "/"}: ${message}`);
    const fault = refuseRegisterVersion("MANIFEST_INVALID", `The manifest is wrong: ${places.slice(0, 3).join(" ")}`);
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
  if (headed.kind === "faulty") return refuseRegisterVersion(headed.code, headed.reason);
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
  return refuseRegisterVersion("VERSION_CONFLICT", `${name}@${version} is published already, with another content.`);
}

function refuseRegisterVersion(
  code: VersionFault["code"],
  reason: string,
): RegisteredVersion & { readonly kind: "refused" } {
  return { kind: "refused", code, reason };
}

/** Why a version is not announced. */
interface ManifestFault {
  readonly code: "MANIFEST_INVALID" | "KEY_INVALID";
  readonly reason: string;
}

/**
 * May this manifest lie under this key, and name these files? Only files in its own folder, so that who may write one artifact
 * cannot announce another's files under it; and single files that others uploaded, under the name that such a file has.
 */
export function judgeManifest(manifest: Manifest, key: string, prefixes: KeyPrefixes): ManifestFault | undefined {
  const { name, version, files } = manifest;
  if (key !== toManifestKey(prefixes.prefix, name, version)) {
    return { code: "MANIFEST_INVALID", reason: `The manifest is of ${name}@${version}, which lies elsewhere.` };
  }
  if (isOfUpload(manifest, prefixes)) return undefined;
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const stray = files.findIndex((file) => !file.key.startsWith(folder) || file.key === key);
  if (stray < 0) return undefined;
  return { code: "KEY_INVALID", reason: `The key at /files/${stray}/key is no file of the folder of this version.` };
}

/** Is this what the function makes of a single file that somebody else has uploaded? */
function isOfUpload({ name, version, files }: Manifest, prefixes: KeyPrefixes): boolean {
  const [file, ...others] = files;
  if (file === undefined || others.length > 0 || classifyKey(file.key, prefixes) !== "upload") return false;
  const own = toUploadName(file.key.slice(prefixes.uploadPrefix?.length));
  return own.name === name && isUploadVersion(version, own.version);
}

/** SHA-256 of what a version is, whenever and by whomever it was published: bytes, paths, and what is to be rewritten. */
function digestContent({ files }: Pick<Manifest, "files">): string {
  const content = files.map(({ key, size, sha256, rewrite = "none" }) => JSON.stringify([key, size, sha256, rewrite]));
  return createHash("sha256").update(content.sort().join()).digest("hex");
}

interface Announced {
  /** So many of the version's files were announced to everybody. */
  readonly announced: number;
}

const compiled = Compile(Type.Object({ ...Claimed, announced: Type.Integer({ minimum: 0 }) }));

/** A manifest that appeared and is not announced to the end, held by this process. */
type OutboxEntry = Claim<Announced>;

/** Manifests that appeared and must be announced to the end. */
type Outbox = ObjectClaims<Announced>;

/** Longer than the longest silence of somebody at work: a hundred messages at the pace of a consumer, and their retries. */
const TAKEN_MS = 120_000;

/** The outbox in records. */
function createOutbox(records: Records, clock: Clock): Outbox {
  const isClaim = (value: unknown) => compiled.Check(value);
  return createObjectClaims(records, clock, { name: "outbox", takenMs: TAKEN_MS, fresh: { announced: 0 }, isClaim });
}
