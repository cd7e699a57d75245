import { changeCell } from "../cells/cells.ts";
import { openCoverage } from "../cells/coverage-record.ts";
import { expectedSet, toSubscription } from "../cells/expected-set.ts";
import { type ListedVersion, listVersions, toVersionKey } from "../cells/versions.ts";
import type { DistributorContext, Turn } from "../function/distributor-context.ts";
import { loadReadable } from "../publish/load-readable.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import type { SetRecord } from "./set-record.ts";

/** How far a step came. */
export interface SetProgress {
  readonly cursor: SetRecord["cursor"];
  readonly messages: number;
  readonly isEnd: boolean;
}

type SetContext = Pick<DistributorContext, "records" | "clock" | "random" | "announcer" | "loadPublished" | "logger">;

/** Files of one step, and of one call of the announcer: between those it is asked whether there is time left. */
const [MAX_FILES, CHUNK] = [500, 100];
/** What a call of the announcer may take. */
const MARGIN_MS = 60_000;

/**
 * Announces the next files of a set to its consumer, from the cursor on. What is announced twice after a crash does no harm: the consumer
 * answers that it has it.
 */
export async function announceSet(
  context: SetContext,
  set: SetRecord,
  consumer: ConsumerRecord,
  turn: Turn,
): Promise<SetProgress> {
  const chunks = planChunks(await findWanted(context, set, consumer), set.cursor);
  let { cursor } = set;
  let messages = 0;
  for (const { version, from, count } of chunks) {
    const isLate = context.clock.now() + MARGIN_MS > turn.deadlineAt;
    if (isLate || messages + count > MAX_FILES) return { cursor, messages, isEnd: false };
    messages += await announceChunk(context, { version, consumer, from, count });
    cursor = { name: version.name, version: version.version, files: from + count };
  }
  return { cursor, messages, isEnd: true };
}

interface Chunk {
  readonly version: ListedVersion;
  readonly from: number;
  readonly count: number;
}

/** What is left behind the cursor, in calls of the announcer. */
function planChunks(versions: readonly ListedVersion[], cursor: SetRecord["cursor"]): readonly Chunk[] {
  const left = versions.filter((version) => cursor === null || !isBehind(version, cursor));
  return left.flatMap((version) => {
    const { files } = version.record;
    const first = isAt(version, cursor) ? (cursor?.files ?? 0) : 0;
    const starts = Array.from({ length: Math.ceil((files - first) / CHUNK) }, (_, index) => first + index * CHUNK);
    return starts.map((from) => ({ version, from, count: Math.min(CHUNK, files - from) }));
  });
}

interface ChunkInput extends Chunk {
  readonly consumer: ConsumerRecord;
}

async function announceChunk(context: SetContext, { version, consumer, from, count }: ChunkInput): Promise<number> {
  const { name, record } = version;
  const published = await loadReadable(context, version);
  if (published === undefined) {
    context.logger.error("a published version cannot be read, and is left out of a set", {
      name,
      version: version.version,
    });
    return 0;
  }
  if (from === 0) {
    // Noted before it is sent: a process that dies between leaves a cell that becomes overdue.
    const at = context.clock.now();
    const subject = { name, version: version.version, manifestSha256: record.manifestSha256, files: record.files };
    await changeCell(context, subject, consumer, () => [
      { kind: "announced", at, scope: "all", bucket: consumer.bucket ?? undefined },
    ]);
    await openCoverage(context, subject);
  }
  const keys = published.manifest.files.slice(from, from + count).map(({ key }) => key);
  return context.announcer.announce(published, toPlace(consumer), keys);
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

function isBehind(version: ListedVersion, cursor: NonNullable<SetRecord["cursor"]>): boolean {
  return compare(toVersionKey(version), toVersionKey(cursor)) < 0;
}

function isAt(version: ListedVersion, cursor: SetRecord["cursor"]): boolean {
  return cursor !== null && toVersionKey(version) === toVersionKey(cursor);
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function toPlace({ account, region }: ConsumerRecord) {
  return { account, region };
}
