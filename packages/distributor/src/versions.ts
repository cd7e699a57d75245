import { changeRecord } from "@stackyard/core";
import { corruptRecord, defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { CONTENDED, changeValue, Moment, type RecordDeps, Sha256 } from "./records.ts";

const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const text = Type.String({ minLength: 1, maxLength: 1_024 });

const instant = Type.String({ maxLength: 40 });

/**
 * The record of a version. The manifest can be larger than a record, so it stays in the bucket.
 */
export const ArtifactRecord = Type.Object({
  v: Type.Literal(1),
  name: Type.String({ pattern: ARTIFACT_NAME }),
  version: Type.String({ pattern: ARTIFACT_VERSION }),
  manifestKey: text,
  manifestVersionId: Type.Union([text, Type.Null()]),
  manifestSha256: Sha256,
  /** Identifies a removed version that is published again. */
  contentSha256: Sha256,
  sequence: whole,
  distributionId: text,
  publishedAt: instant,
  /** When the manifest or the upload was written. */
  writtenAt: instant,
  labels: Type.Record(Type.String(), Type.String()),
  files: whole,
  bytes: whole,
  /** Version ids of the files in the order of the manifest; null in an unversioned bucket. */
  versionIds: Type.Array(Type.Union([text, Type.Null()]), { maxItems: 1_000 }),
  /** The key of an upload. A later upload of the same key replaces the version. */
  uploadKey: Type.Optional(text),
  /** Null until the version was announced to all consumers. */
  announcedAt: Type.Union([instant, Type.Null()]),
  retiredAt: Type.Union([instant, Type.Null()]),
});
export type ArtifactRecord = Static<typeof ArtifactRecord>;

/** Versions, by name and version. */
export const artifacts = defineRecordKind({
  ...CONTENDED,
  prefix: "artifact/",
  value: ArtifactRecord,
  holds: "versions of artifacts",
  kept: "as long as the distributor",
});

/** Changes the record of a version. A missing record is not created. */
export async function changeArtifact(
  deps: RecordDeps,
  id: VersionId,
  change: (record: ArtifactRecord) => ArtifactRecord,
): Promise<void> {
  await changeValue(deps, { kind: artifacts, name: toVersionKey(id) }, (record) => record && change(record));
}

const SEQUENCE_KEY = "sequence";

/** Returns the next unique sequence of the distributor. Throws `RECORD_CONFLICT` under too much contention. */
export async function nextSequence(deps: RecordDeps): Promise<number> {
  const { write } = await changeRecord({
    ...deps,
    key: SEQUENCE_KEY,
    tries: CONTENDED.tries,
    pause: (failed) => CONTENDED.pause(deps, failed),
    decide(found) {
      const last: unknown = found === undefined ? 0 : Object(found.value).last;
      if (typeof last !== "number" || !Number.isSafeInteger(last)) throw corruptRecord(SEQUENCE_KEY);
      return { write: { value: { last: last + 1 } } };
    },
  });
  return write.value.last;
}

/** The coverage of a version. */
export const CoverageRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    /** Increases when cells are added, so that a concurrent check does not settle the version. */
    opened: Type.Integer({ minimum: 0 }),
    /** The version is covered and `artifact.covered` was sent: the sweep skips it. */
    settledAt: Moment,
    coveredAt: Moment,
    /** A process has started to send `artifact.covered`. */
    tellingAt: Moment,
    toldAt: Moment,
    /** Retention has removed its files. */
    removedAt: Moment,
    /** Its manifest was removed too: the version can be published again. */
    goneAt: Type.Optional(Moment),
    /** The sequence of the publication; a version that is published again gets a new one. */
    sequence: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type CoverageRecord = Static<typeof CoverageRecord>;

/** A name and a version. */
export type VersionId = Pick<CoverageRecord, "name" | "version">;

/** Coverage, by name and version. */
export const coverages = defineRecordKind({
  ...CONTENDED,
  prefix: "coverage/",
  value: CoverageRecord,
  holds: "whether all consumers have a version",
  kept: "as long as the distributor",
});

/** Creates the coverage of a new version. */
function createCoverageRecord({ name, version }: VersionId): CoverageRecord {
  const never = { settledAt: null, coveredAt: null, tellingAt: null, toldAt: null, removedAt: null };
  return { v: 1, name, version, opened: 0, ...never };
}

/** Changes the coverage of a version. `change` can be called several times and returns undefined for no change. */
export async function changeCoverage(
  deps: RecordDeps,
  id: VersionId,
  change: (known: CoverageRecord) => CoverageRecord | undefined,
): Promise<CoverageRecord> {
  const changed = await changeValue(deps, { kind: coverages, name: toVersionKey(id) }, (known) =>
    change(known ?? createCoverageRecord(id)),
  );
  return changed ?? createCoverageRecord(id);
}

/** Makes the sweep check the version again, after cells were added or announced. */
export async function openCoverage(deps: RecordDeps, id: VersionId): Promise<void> {
  await changeCoverage(deps, id, (known) => ({ ...known, opened: known.opened + 1, settledAt: null }));
}

/** Starts the coverage of a publication. A version that was removed and published again starts anew. */
export async function beginCoverage(deps: RecordDeps, id: VersionId, sequence: number): Promise<void> {
  await changeCoverage(deps, id, (known) => {
    const before = known.removedAt === null ? known : createCoverageRecord(id);
    return { ...before, sequence, opened: known.opened + 1, settledAt: null };
  });
}

/** Finds the coverage of a version. */
export async function findCoverage(deps: RecordsDeps, id: VersionId): Promise<CoverageRecord> {
  return (await coverages.find(deps, toVersionKey(id))) ?? createCoverageRecord(id);
}

/** A version in the source. */
export interface ListedVersion extends PublishedVersion {
  readonly record: ArtifactRecord;
  readonly isCurrent: boolean;
}

/** Lists all versions in the source, or those of one name, in key order. */
export async function listVersions(deps: RecordDeps, name?: string): Promise<readonly ListedVersion[]> {
  const under = name === undefined ? "" : `${name}/`;
  const covered = await coverages.listReadable(deps, under);
  const removed = new Set(covered.filter(({ removedAt }) => removedAt !== null).map(toVersionKey));
  const records = await artifacts.listReadable(deps, under);
  const known = records.filter((each) => name === undefined || each.name === name);
  const newest = findNewestUploads(known);
  const left = known.filter((each) => !removed.has(toVersionKey(each)));
  const versions = left.map((record) => toPublishedVersion(record, newest));
  const current = new Set(findCurrent(versions));
  return versions.map((each) => ({ ...each, isCurrent: current.has(each) }));
}

/** Finds one version in the source. */
export async function findVersion(deps: RecordDeps, { name, version }: VersionId): Promise<ListedVersion | undefined> {
  return (await listVersions(deps, name)).find((each) => each.version === version);
}

/** Returns the highest sequence of each upload key. */
function findNewestUploads(records: readonly ArtifactRecord[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { uploadKey, sequence } of records) {
    if (uploadKey !== undefined) newest.set(uploadKey, Math.max(sequence, newest.get(uploadKey) ?? 0));
  }
  return newest;
}

/** Converts a record. An overwritten upload counts as retired: consumers never return to an older file of a key. */
function toPublishedVersion(record: ArtifactRecord, newest: ReadonlyMap<string, number>) {
  const { name, version, sequence, labels, retiredAt, uploadKey, writtenAt } = record;
  const isOverwritten = uploadKey !== undefined && sequence < (newest.get(uploadKey) ?? 0);
  const retired = retiredAt !== null || isOverwritten;
  return { name, version, sequence, writtenAt: Date.parse(writtenAt), labels, retired, record };
}

/** Returns a unique key of name and version. */
export function toVersionKey({ name, version }: VersionId): string {
  return `${name}/${version}`;
}

/** The facts of a version that decide who should have it. */
export interface PublishedVersion {
  readonly name: string;
  readonly version: string;
  /** Increases with each publication, in the order of its events. */
  readonly sequence: number;
  /** When it was written, in epoch milliseconds. If unknown or equal, the sequence decides. */
  readonly writtenAt?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly retired: boolean;
}

/** Which artifacts a consumer should have. An empty subscription matches all. */
export interface Subscription {
  /** Values of the label `channel`; a version without it is in the channel "". */
  readonly channels: readonly string[];
  /** Labels that a version must have. */
  readonly labels: Readonly<Record<string, string>>;
}

const CHANNEL = "channel";

/** Reads the subscription from capabilities such as `channel:beta` and `label:team=billing`. */
export function toSubscription(capabilities: readonly string[]): Subscription {
  const after = (prefix: string) =>
    capabilities.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
  const labels = after("label:").flatMap((each) => {
    const at = each.indexOf("=");
    return at < 1 ? [] : [[each.slice(0, at), each.slice(at + 1)] as const];
  });
  return { channels: after("channel:"), labels: Object.fromEntries(labels) };
}

/** Returns the latest version of each name and channel that is not retired, in input order. */
export function findCurrent<Version extends PublishedVersion>(versions: readonly Version[]): readonly Version[] {
  const last = new Map<string, Version>();
  for (const version of versions) {
    const line = JSON.stringify([version.name, version.labels[CHANNEL] ?? ""]);
    const known = last.get(line);
    if (!version.retired && (known === undefined || isLater(version, known))) last.set(line, version);
  }
  const current = new Set(last.values());
  return versions.filter((version) => current.has(version));
}

/**
 * Returns true if one version is later: events arrive in any order and get their sequence on arrival, so the time of
 * writing decides first.
 */
function isLater(one: PublishedVersion, other: PublishedVersion): boolean {
  const afterMs = (one.writtenAt ?? 0) - (other.writtenAt ?? 0);
  return afterMs === 0 ? one.sequence > other.sequence : afterMs > 0;
}

/** Returns true when a subscription matches a version. */
export function isSubscribed({ channels, labels }: Subscription, version: PublishedVersion): boolean {
  if (channels.length > 0 && !channels.includes(version.labels[CHANNEL] ?? "")) return false;
  return Object.entries(labels).every(([key, value]) => version.labels[key] === value);
}

/** Returns the current versions that match a subscription. */
export function expectedSet<Version extends PublishedVersion>(
  versions: readonly Version[],
  subscription: Subscription,
): readonly Version[] {
  return findCurrent(versions).filter((version) => isSubscribed(subscription, version));
}

/** A version in the source, with the facts for retention. */
export interface KeptVersion extends PublishedVersion {
  /** Epoch milliseconds. */
  readonly publishedAt: number;
  /** True if the version was covered. */
  readonly covered: boolean;
}

/** Input of the retention rule. */
export interface RetentionInput<Version extends KeptVersion> {
  /** All versions in the source. */
  readonly versions: readonly Version[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** The least time that each version is kept. */
  readonly keepMs: number;
}

/**
 * Returns the versions that the source need not keep: old versions that are not current and were covered or retired.
 */
export function decideRetention<Version extends KeptVersion>(input: RetentionInput<Version>): readonly Version[] {
  const { versions, now, keepMs } = input;
  const current = new Set(findCurrent(versions));
  return versions.filter((version) => {
    const isYoung = version.publishedAt + keepMs > now;
    return !current.has(version) && !isYoung && (version.covered || version.retired);
  });
}
