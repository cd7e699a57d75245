import { isStackyardError } from "@stackyard/core";
import { type ArtifactRecord, parseArtifactRecord } from "../publish/artifact-record.ts";
import type { RecordDeps } from "../registry/change-record.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { listRecords } from "../registry/list-records.ts";
import type { Cell } from "./cell.ts";
import { COVERAGE_PREFIX, parseCoverageRecord, type VersionId } from "./coverage-record.ts";
import { type CoverageVerdict, decideCovered } from "./decide-covered.ts";
import { expectedConsumers } from "./expected-consumers.ts";
import { findCurrent, type PublishedVersion } from "./expected-set.ts";

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

/**
 * Does it stand everywhere? Consumers of the first generation cannot tell, and anybody who is trusted may name a place where there is none:
 * whoever waited for those would wait for ever. Where there are no others, somebody has to look into their buckets.
 */
export function judgeCoverage(
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
  cells: readonly Cell[],
): CoverageVerdict {
  const all = expectedConsumers({ version, isCurrent: version.isCurrent, consumers, cells });
  const able = all.filter(canAnswer);
  return decideCovered({ cells, expected: able.length > 0 ? able : all });
}

/** How many should have it that cannot tell, and where nobody has seen it. */
export function countSilent(
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
  cells: readonly Cell[],
): number {
  const all = expectedConsumers({ version, isCurrent: version.isCurrent, consumers, cells });
  const silent = all.filter((each) => !canAnswer(each));
  const verdict = decideCovered({ cells, expected: silent });
  return verdict.kind === "open" ? verdict.missing.length : 0;
}

function canAnswer({ generation }: ConsumerRecord): boolean {
  return generation === "v2";
}
