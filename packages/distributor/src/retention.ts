import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { mapLimited } from "@stackyard/core";
import { toPlaceKey } from "./cell.ts";
import { listCells } from "./cell-records.ts";
import { findWaiting } from "./cell-status.ts";
import type { ConsumerRecord } from "./consumers.ts";
import type { DistributorContext, Turn } from "./context.ts";
import { loadReadable } from "./published-versions.ts";
import { eachApart } from "./records.ts";
import { loadManifest } from "./source-bucket.ts";
import {
  type ArtifactRecord,
  artifacts,
  type CoverageRecord,
  changeCoverage,
  coverages,
  decideRetention,
  findCoverage,
  type ListedVersion,
  toVersionKey,
  type VersionId,
} from "./versions.ts";

type RetentionContext = Pick<
  DistributorContext,
  "records" | "clock" | "random" | "config" | "s3" | "logger" | "loadPublished"
>;

/** Input of a retention run. */
interface RunRetentionInput {
  readonly versions: readonly ListedVersion[];
  /** Consumers at which artifacts are expected. */
  readonly consumers: readonly ConsumerRecord[];
  readonly turn: Turn;
}

const DAY_MS = 86_400_000;
const WIDTH = 10;
/** Reserved for the removal of one version. */
const MARGIN_MS = 120_000;

/**
 * Removes versions that the source need not keep, and returns their number. Their records stay, so that the same version cannot be
 * published with other content. Without `keepDays` nothing is removed.
 */
export async function runRetention(
  context: RetentionContext,
  { versions, consumers, turn }: RunRetentionInput,
): Promise<number> {
  const { keepDays } = context.config;
  if (keepDays === undefined) return 0;
  const able = consumers.filter(({ generation }) => generation === "v2");
  let removed = 0;
  const removals = listOld(context, versions, keepDays).map((version) => async () => {
    if (context.clock.now() + MARGIN_MS <= turn.deadlineAt) removed += await removeOld(context, version, able);
  });
  await eachApart([() => endRemovals(context), ...removals], (work) => work());
  return removed;
}

/** Filters before any read: most versions are current or recent. */
function listOld(
  { clock }: RetentionContext,
  versions: readonly ListedVersion[],
  keepDays: number,
): readonly ListedVersion[] {
  const all = versions.map((each) => ({ ...each, publishedAt: Date.parse(each.record.publishedAt), covered: true }));
  return decideRetention({ versions: all, now: clock.now(), keepMs: keepDays * DAY_MS });
}

/** Removes an old version. `able`: consumers that send receipts. */
async function removeOld(
  context: RetentionContext,
  version: ListedVersion,
  able: readonly ConsumerRecord[],
): Promise<number> {
  if (version.retired) return removeVersion(context, version);
  const { coveredAt } = await findCoverage(context, version);
  return coveredAt === null || (await isAwaited(context, version, able)) ? 0 : removeVersion(context, version);
}

/** Returns true while the sweep still announces the version to a consumer. */
async function isAwaited(
  context: RetentionContext,
  version: ListedVersion,
  able: readonly ConsumerRecord[],
): Promise<boolean> {
  const cells = await listCells(context, version, able);
  const places = new Set(able.map(toPlaceKey));
  return cells.some((cell) => cell.alarmedAt === null && findWaiting(cell).length > 0 && places.has(toPlaceKey(cell)));
}

/** Removes the files first and the manifest last: after a crash the removal is repeated. */
async function removeVersion(context: RetentionContext, { name, version, record }: ListedVersion): Promise<number> {
  const { clock, logger } = context;
  const published = await loadReadable(context, { name, version });
  if (published === undefined) {
    logger.error("A version cannot be removed from the source: its manifest is missing.", { name, version });
    return 0;
  }
  const files = published.manifest.files.filter((file) => isOwn(file, record.manifestKey));
  await mapLimited(files, WIDTH, (file) => remove(context, file));
  const removedAt = clock.now();
  const noted = await changeCoverage(context, { name, version }, (known) =>
    isBack(known, record) ? undefined : { ...known, removedAt: known.removedAt ?? removedAt },
  );
  if (isBack(noted, record)) return 0;
  await removeManifest(context, record);
  await noteGone(context, { name, version });
  logger.info("Removed a version from the source.", { name, version, files: files.length });
  return 1;
}

/** Returns true if another run removed the version meanwhile, and it was published again. */
function isBack({ sequence = 0 }: CoverageRecord, removed: ArtifactRecord): boolean {
  return sequence > removed.sequence;
}

/** Finishes interrupted removals: while the manifest exists, the version cannot be published again. */
async function endRemovals(context: RetentionContext): Promise<void> {
  const known = await coverages.listReadable(context);
  const open = known.filter(({ removedAt, goneAt = null }) => removedAt !== null && goneAt === null);
  await eachApart(open, (each) => endRemoval(context, each));
}

async function endRemoval(context: RetentionContext, { name, version, removedAt }: CoverageRecord): Promise<void> {
  if (removedAt === null) return;
  const record = await artifacts.find(context, toVersionKey({ name, version }));
  if (record !== undefined) {
    // The version was published again: the manifest is the new one.
    if (Date.parse(record.publishedAt) > removedAt) return;
    await removeManifest(context, record);
  }
  await noteGone(context, { name, version });
}

/** Removes the published manifest, also where a publisher has written it again: a version with a manifest counts as published. */
async function removeManifest(context: RetentionContext, record: ArtifactRecord): Promise<void> {
  const { manifestKey: key, manifestVersionId, manifestSha256 } = record;
  if (manifestVersionId !== null) await remove(context, { key, versionId: manifestVersionId });
  for (;;) {
    const loaded = await loadManifest(context.s3, { bucket: context.config.bucket, key });
    if (loaded.kind !== "loaded" || loaded.sha256 !== manifestSha256) return;
    await remove(context, { key, versionId: loaded.versionId });
  }
}

/** Records the end of a removal, unless the version was published again. */
async function noteGone(context: RetentionContext, version: VersionId): Promise<void> {
  await changeCoverage(context, version, (known) =>
    known.removedAt === null ? undefined : { ...known, goneAt: context.clock.now() },
  );
}

async function remove({ s3, config }: RetentionContext, { key, versionId }: StoredObject): Promise<void> {
  const request = { Bucket: config.bucket, Key: key, ...(versionId && { VersionId: versionId }) };
  await s3.send(new DeleteObjectCommand(request));
}

interface StoredObject {
  readonly key: string;
  readonly versionId?: string | undefined;
}

/**
 * Returns true if the object belongs to the version. An upload can be overwritten by a later one: without its version
 * id it is not deleted.
 */
function isOwn({ key, versionId }: StoredObject, manifestKey: string): boolean {
  return versionId !== undefined || key.startsWith(manifestKey.slice(0, manifestKey.lastIndexOf("/") + 1));
}
