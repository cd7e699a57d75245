import type { PublishedArtifact } from "../announce/announcer.ts";
import { changeCell } from "../cells/cells.ts";
import { openCoverage } from "../cells/coverage-record.ts";
import { expectedSet, toSubscription } from "../cells/expected-set.ts";
import { type ListedVersion, listVersions, toVersionKey } from "../cells/versions.ts";
import type { DistributorContext, Turn } from "../function/distributor-context.ts";
import { loadReadable } from "../publish/load-readable.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import type { SetRecord } from "./set-record.ts";

/** Saves the cursor behind a file that was announced. False: another execution goes on with the set. */
export type SaveCursor = (cursor: NonNullable<SetRecord["cursor"]>) => Promise<boolean>;

type SetContext = Pick<DistributorContext, "records" | "clock" | "random" | "announcer" | "loadPublished" | "logger">;

/** Files of one step. */
const MAX_FILES = 500;
/** What the announcement of one file may take. */
const MARGIN_MS = 60_000;

interface AnnounceSetInput {
  readonly set: SetRecord;
  readonly consumer: ConsumerRecord;
  readonly turn: Turn;
  readonly save: SaveCursor;
}

/**
 * Announces the next files of a set to its consumer, from the cursor on. The cursor is saved after each file, so a step that is
 * repeated after a crash announces at most one file twice: the one whose cursor was not saved. At 20 files a second a consumer's
 * pace leaves time for that.
 */
export async function announceSet(
  context: SetContext,
  { set, consumer, turn, save }: AnnounceSetInput,
): Promise<"end" | "more" | "lost"> {
  let count = 0;
  for await (const { published, key, cursor } of listFiles(context, set, consumer)) {
    if (count >= MAX_FILES || context.clock.now() + MARGIN_MS > turn.deadlineAt) return "more";
    if (cursor.files === 1) await noteAnnounced(context, published, consumer);
    await context.announcer.announce(published, toPlace(consumer), [key]);
    count += 1;
    if (!(await save(cursor))) return "lost";
  }
  return "end";
}

interface NextFile {
  readonly published: PublishedArtifact;
  readonly key: string;
  /** Behind this file. */
  readonly cursor: NonNullable<SetRecord["cursor"]>;
}

/** The files behind the cursor of a set. The manifest of a version is loaded when its first file is taken. */
async function* listFiles(context: SetContext, set: SetRecord, consumer: ConsumerRecord): AsyncGenerator<NextFile> {
  for (const version of await findWanted(context, set, consumer)) {
    const first = findFirst(version, set.cursor);
    const published = first < version.record.files ? await loadVersion(context, version) : undefined;
    const files = published?.manifest.files.slice(first) ?? [];
    for (const [index, { key }] of files.entries()) {
      const cursor = { name: version.name, version: version.version, files: first + index + 1 };
      if (published) yield { published, key, cursor };
    }
  }
}

/** How many files of a version lie before the cursor. */
function findFirst(version: ListedVersion, cursor: SetRecord["cursor"]): number {
  if (cursor === null) return 0;
  const order = compare(toVersionKey(version), toVersionKey(cursor));
  if (order === 0) return cursor.files;
  return order < 0 ? version.record.files : 0;
}

async function loadVersion(context: SetContext, version: ListedVersion): Promise<PublishedArtifact | undefined> {
  const published = await loadReadable(context, version);
  if (published === undefined) {
    const subject = { name: version.name, version: version.version };
    context.logger.error("a published version cannot be read, and is left out of a set", subject);
  }
  return published;
}

/** Done before anything is sent: a process that dies between leaves a cell that becomes overdue. */
async function noteAnnounced(
  context: SetContext,
  { manifest: { name, version, files }, manifestSha256 }: PublishedArtifact,
  consumer: ConsumerRecord,
): Promise<void> {
  const at = context.clock.now();
  const subject = { name, version, manifestSha256, files: files.length };
  await changeCell(context, subject, consumer, () => [
    { kind: "announced", at, scope: "all", bucket: consumer.bucket ?? undefined },
  ]);
  await openCoverage(context, subject);
}

async function findWanted(
  context: SetContext,
  { since, artifact }: SetRecord,
  { capabilities }: ConsumerRecord,
): Promise<readonly ListedVersion[]> {
  const versions = await listVersions(context);
  // Whoever names a version wants that one, be it the current one or not.
  const one = versions.filter((each) => !each.retired && `${each.name}@${each.version}` === artifact);
  const expected = one.length > 0 ? one : expectedSet(versions, toSubscription(capabilities));
  return expected
    .filter((each) => artifact === null || one.length > 0 || each.name === artifact)
    .filter(({ record }) => since === null || Date.parse(record.publishedAt) >= since)
    .sort((left, right) => compare(toVersionKey(left), toVersionKey(right)));
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function toPlace({ account, region }: ConsumerRecord) {
  return { account, region };
}
