import { isStackyardError, StackyardError } from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { changeRecord, Instant, listRecords, type RecordDeps } from "./records.ts";

const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const text = Type.String({ minLength: 1, maxLength: 1_024 });
const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const instant = Type.String({ maxLength: 40 });

/**
 * What is kept of a version, under `artifact/<name>/<version>`. The manifest itself may be larger than a record, and stays in the
 * bucket.
 */
export const ArtifactRecord = Type.Object({
  v: Type.Literal(1),
  name: Type.String({ pattern: ARTIFACT_NAME }),
  version: Type.String({ pattern: ARTIFACT_VERSION }),
  manifestKey: text,
  manifestVersionId: Type.Union([text, Type.Null()]),
  manifestSha256: sha256,
  /** By which a version that was removed from the source is known again; records of before have none. */
  contentSha256: Type.Optional(sha256),
  sequence: whole,
  distributionId: text,
  publishedAt: instant,
  /** When the manifest was written, or what was uploaded; records of before have none. */
  writtenAt: Type.Optional(instant),
  labels: Type.Record(Type.String(), Type.String()),
  files: whole,
  bytes: whole,
  /** Of the manifest's files, in its order; null where the bucket keeps no versions. */
  versionIds: Type.Array(Type.Union([text, Type.Null()]), { maxItems: 1_000 }),
  /** Of what somebody else has uploaded: the key that a later upload takes from it. */
  uploadKey: Type.Optional(text),
  /** Null until everybody was told. */
  announcedAt: Type.Union([instant, Type.Null()]),
  retiredAt: Type.Union([instant, Type.Null()]),
});
export type ArtifactRecord = Static<typeof ArtifactRecord>;

const compiled = Compile(ArtifactRecord);

/** Where a version's record lies. */
export function artifactRecordKey(name: string, version: string): string {
  return `artifact/${name}/${version}`;
}

/** Reads a record. Throws `STORE_CORRUPT`. */
export function parseArtifactRecord(value: unknown): ArtifactRecord {
  if (compiled.Check(value)) return value;
  const [fault] = compiled.Errors(value);
  throw new StackyardError("STORE_CORRUPT", `A record of an artifact is wrong at "${fault?.instancePath ?? ""}".`);
}

/** Changes a version's record although others may change it too; where there is none, none is made. Throws `RECORD_CONFLICT` at last. */
export async function changeArtifact(
  deps: RecordDeps,
  { name, version }: Pick<ArtifactRecord, "name" | "version">,
  change: (record: ArtifactRecord) => ArtifactRecord,
): Promise<void> {
  await changeRecord(deps, {
    key: artifactRecordKey(name, version),
    parse: parseArtifactRecord,
    change: (record) => record && change(record),
  });
}

/** The next number of the yard: each is given once. Throws `RECORD_CONFLICT` where too many ask at a time. */
export async function nextSequence(deps: RecordDeps): Promise<number> {
  const changed = await changeRecord(deps, {
    key: "sequence",
    parse: parseCounter,
    change: (known) => ({ last: (known?.last ?? 0) + 1 }),
  });
  if (changed === undefined) throw new StackyardError("STORE_CORRUPT", "No number was given.");
  return changed.last;
}

function parseCounter(value: unknown): { readonly last: number } | undefined {
  const last: unknown = Object(value).last;
  return typeof last === "number" && Number.isSafeInteger(last) ? { last } : undefined;
}

const moment = Type.Union([Instant, Type.Null()]);

/** How far a version is on its way to everybody, as a record under `coverage/<name>/<version>`. */
export const CoverageRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    /** Grows when cells are added, so that nobody settles what has just been opened. */
    opened: Type.Integer({ minimum: 0 }),
    /** It stands everywhere and everybody was told: the sweep need not look at it. */
    settledAt: moment,
    coveredAt: moment,
    /** Somebody has begun to tell. */
    tellingAt: moment,
    toldAt: moment,
    /** The source holds it no more, or only its manifest. */
    removedAt: moment,
    /** Its manifest is gone, too: the version may be published again. */
    goneAt: Type.Optional(moment),
    /** Of the publication: a version that comes back gets another one. */
    sequence: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type CoverageRecord = Static<typeof CoverageRecord>;

/** A name and a version. */
export type VersionId = Pick<CoverageRecord, "name" | "version">;

const validator = Compile(CoverageRecord);

/** All of them lie under it. */
export const COVERAGE_PREFIX = "coverage/";

/** Reads a record; undefined: it is none. */
export function parseCoverageRecord(value: unknown): CoverageRecord | undefined {
  return validator.Check(value) ? value : undefined;
}

/** What is known of a version of which nothing is known. */
function createCoverageRecord({ name, version }: VersionId): CoverageRecord {
  const never = { settledAt: null, coveredAt: null, tellingAt: null, toldAt: null, removedAt: null };
  return { v: 1, name, version, opened: 0, ...never };
}

/** Changes what is known of a version; `change` may be called several times, and gives undefined to leave it. */
export async function changeCoverage(
  deps: RecordDeps,
  id: VersionId,
  change: (known: CoverageRecord) => CoverageRecord | undefined,
): Promise<CoverageRecord> {
  const changed = await changeRecord(deps, {
    key: toCoverageKey(id),
    parse: parseCoverageRecord,
    change: (known) => change(known ?? createCoverageRecord(id)),
  });
  return changed ?? createCoverageRecord(id);
}

/** After cells were added or announced: the sweep looks at the version again. */
export async function openCoverage(deps: RecordDeps, id: VersionId): Promise<void> {
  await changeCoverage(deps, id, (known) => ({ ...known, opened: known.opened + 1, settledAt: null }));
}

/** Before a version is announced to all: one that was removed from the source has come back, and may be covered again. */
export async function beginCoverage(deps: RecordDeps, id: VersionId, sequence: number): Promise<void> {
  await changeCoverage(deps, id, (known) => {
    const before = known.removedAt === null ? known : createCoverageRecord(id);
    return { ...before, sequence, opened: known.opened + 1, settledAt: null };
  });
}

/** What is known of a version. */
export async function findCoverage(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  id: VersionId,
): Promise<CoverageRecord> {
  const record = await records.get(toCoverageKey(id), clock.now());
  return parseCoverageRecord(record?.value) ?? createCoverageRecord(id);
}

function toCoverageKey({ name, version }: VersionId): string {
  return `${COVERAGE_PREFIX}${name}/${version}`;
}

/** A version that the source holds. */
export interface ListedVersion extends PublishedVersion {
  readonly record: ArtifactRecord;
  readonly isCurrent: boolean;
}

const ARTIFACTS_PREFIX = "artifact/";

/** All versions that the source holds, or those of one name, in the order of their keys. */
export async function listVersions(deps: RecordDeps, name?: string): Promise<readonly ListedVersion[]> {
  const under = name === undefined ? "" : `${name}/`;
  const removed = new Set<string>();
  for (const each of await listRecords(deps, `${COVERAGE_PREFIX}${under}`, parseCoverageRecord)) {
    if (each.removedAt !== null) removed.add(toVersionKey(each));
  }
  const records = await listRecords(deps, `${ARTIFACTS_PREFIX}${under}`, findArtifactRecord);
  const known = records.filter((each) => name === undefined || each.name === name);
  const newest = findNewestUploads(known);
  const versions = known
    .filter((each) => !removed.has(toVersionKey(each)))
    .map((record) => toPublishedVersion(record, newest));
  const current = new Set(findCurrent(versions));
  return versions.map((each) => ({ ...each, isCurrent: current.has(each) }));
}

/** One of them. */
export async function findVersion(deps: RecordDeps, { name, version }: VersionId): Promise<ListedVersion | undefined> {
  return (await listVersions(deps, name)).find((each) => each.version === version);
}

/** Reads a record; undefined: it is none. One that cannot be read must not hide the others. */
export function findArtifactRecord(value: unknown): ArtifactRecord | undefined {
  try {
    return parseArtifactRecord(value);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** Sequences, by the keys of uploads. */
function findNewestUploads(records: readonly ArtifactRecord[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { uploadKey, sequence } of records) {
    if (uploadKey !== undefined) newest.set(uploadKey, Math.max(sequence, newest.get(uploadKey) ?? 0));
  }
  return newest;
}

/** An upload that was overwritten is as good as retired: a key holds one file, and no consumer goes back to an older one. */
function toPublishedVersion(record: ArtifactRecord, newest: ReadonlyMap<string, number>) {
  const { name, version, sequence, labels, retiredAt, uploadKey, publishedAt, writtenAt = publishedAt } = record;
  const isOverwritten = uploadKey !== undefined && sequence < (newest.get(uploadKey) ?? 0);
  const retired = retiredAt !== null || isOverwritten;
  return { name, version, sequence, writtenAt: Date.parse(writtenAt), labels, retired, record };
}

/** Tells versions apart: no name ends in a version. */
export function toVersionKey({ name, version }: VersionId): string {
  return `${name}/${version}`;
}

/** A version, as far as it is asked whether somebody should have it. */
export interface PublishedVersion {
  readonly name: string;
  readonly version: string;
  /** Grows with each publication, in the order of its events. */
  readonly sequence: number;
  /** When it was written, in epoch milliseconds. Where that is not known, or the same, the sequence tells. */
  readonly writtenAt?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly retired: boolean;
}

/** Which artifacts a consumer should have. Empty lists: all. */
export interface Subscription {
  /** Values of the label `channel`; a version without it is in the channel "". */
  readonly channels: readonly string[];
  /** Labels that a version must have. */
  readonly labels: Readonly<Record<string, string>>;
}

const CHANNEL = "channel";

/** What a consumer has said of it in its capabilities: `channel:beta`, `label:team=billing`. */
export function toSubscription(capabilities: readonly string[]): Subscription {
  const after = (prefix: string) =>
    capabilities.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
  const labels = after("label:").flatMap((each) => {
    const at = each.indexOf("=");
    return at < 1 ? [] : [[each.slice(0, at), each.slice(at + 1)] as const];
  });
  return { channels: after("channel:"), labels: Object.fromEntries(labels) };
}

/** Of each name and channel the version that was written last, retired ones left out. In the order of the input. */
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

/** Events come in any order, and numbers are given when they come. */
function isLater(one: PublishedVersion, other: PublishedVersion): boolean {
  const afterMs = (one.writtenAt ?? 0) - (other.writtenAt ?? 0);
  return afterMs === 0 ? one.sequence > other.sequence : afterMs > 0;
}

/** Does the subscription cover the version? */
export function isSubscribed({ channels, labels }: Subscription, version: PublishedVersion): boolean {
  if (channels.length > 0 && !channels.includes(version.labels[CHANNEL] ?? "")) return false;
  return Object.entries(labels).every(([key, value]) => version.labels[key] === value);
}

/** What a consumer should have: the current versions that it has subscribed to. */
export function expectedSet<Version extends PublishedVersion>(
  versions: readonly Version[],
  subscription: Subscription,
): readonly Version[] {
  return findCurrent(versions).filter((version) => isSubscribed(subscription, version));
}

/** A version that lies at the source. */
export interface KeptVersion extends PublishedVersion {
  /** Epoch milliseconds. */
  readonly publishedAt: number;
  /** It has stood everywhere. */
  readonly covered: boolean;
}

/** What is asked. */
export interface RetentionInput<Version extends KeptVersion> {
  /** All versions that the source holds. */
  readonly versions: readonly Version[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** How long each version is kept at least. */
  readonly keepMs: number;
}

/**
 * Versions that the source need not keep: neither current nor young, and they have stood everywhere. A retired one is expected nowhere, so
 * it need not have.
 */
export function decideRetention<Version extends KeptVersion>(input: RetentionInput<Version>): readonly Version[] {
  const { versions, now, keepMs } = input;
  const current = new Set(findCurrent(versions));
  return versions.filter((version) => {
    const isYoung = version.publishedAt + keepMs > now;
    return !current.has(version) && !isYoung && (version.covered || version.retired);
  });
}
