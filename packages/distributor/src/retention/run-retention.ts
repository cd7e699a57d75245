import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { changeCoverage, findCoverage } from "../cells/coverage-record.ts";
import type { ListedVersion } from "../cells/versions.ts";
import type { DistributorContext, Turn } from "../function/distributor-context.ts";
import { inParallel } from "../registry/in-parallel.ts";
import { decideRetention } from "./decide-retention.ts";

type RetentionContext = Pick<
  DistributorContext,
  "records" | "clock" | "random" | "config" | "s3" | "logger" | "loadPublished"
>;

const DAY_MS = 86_400_000;
const WIDTH = 10;
/** What removing one version may take. */
const MARGIN_MS = 120_000;

/**
 * Removes versions that the source need not keep. What is remembered of them stays, so that the same version is not published again with
 * other content. Gives how many. Without `keepDays` everything is kept.
 */
export async function runRetention(
  context: RetentionContext,
  versions: readonly ListedVersion[],
  turn: Turn,
): Promise<number> {
  const { config, clock } = context;
  if (config.keepDays === undefined) return 0;
  const now = clock.now();
  // Before anything is read of it: most versions are current or young.
  const all = versions.map((each) => ({ ...each, publishedAt: Date.parse(each.record.publishedAt), covered: true }));
  const candidates = decideRetention({ versions: all, now, keepMs: config.keepDays * DAY_MS });
  let removed = 0;
  for (const version of candidates) {
    if (clock.now() + MARGIN_MS > turn.deadlineAt) break;
    const { coveredAt } = await findCoverage(context, version);
    if (coveredAt === null && !version.retired) continue;
    removed += await removeVersion(context, version);
  }
  return removed;
}

/** The manifest goes last: a process that dies before leaves a version that is removed again. */
async function removeVersion(context: RetentionContext, { name, version, record }: ListedVersion): Promise<number> {
  const { s3, clock, config, logger } = context;
  const published = await context.loadPublished(name, version);
  if (published === undefined) return 0;
  const remove = ({ key, versionId }: StoredObject) =>
    s3.send(new DeleteObjectCommand({ Bucket: config.bucket, Key: key, ...(versionId && { VersionId: versionId }) }));
  const files = published.manifest.files.filter((file) => isOwn(file, record.manifestKey));
  await inParallel(files, WIDTH, remove);
  await changeCoverage(context, { name, version }, (known) => ({
    ...known,
    removedAt: known.removedAt ?? clock.now(),
  }));
  await remove({ key: record.manifestKey, versionId: record.manifestVersionId ?? undefined });
  logger.info("a version was removed from the source", { name, version, files: files.length });
  return 1;
}

interface StoredObject {
  readonly key: string;
  readonly versionId?: string | undefined;
}

/** What somebody uploaded may have been overwritten by a later version: without the id of its own one it is not touched. */
function isOwn({ key, versionId }: StoredObject, manifestKey: string): boolean {
  return versionId !== undefined || key.startsWith(manifestKey.slice(0, manifestKey.lastIndexOf("/") + 1));
}
