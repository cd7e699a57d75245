import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import { classifyKey, toIdOfKey } from "./artifact-keys.ts";
import type { DistributorContext, Turn } from "./context.ts";
import { toUnseenLine } from "./metrics.ts";
import { Instant } from "./records.ts";
import { listRefusals } from "./refusals.ts";
import { artifacts, listVersions, toVersionKey, type VersionId } from "./versions.ts";

const Inventory = Type.Object(
  {
    /** When the last list was begun, in epoch milliseconds. */
    begunAt: Instant,
    /** The last key of a list that had no time for the rest; empty: it was whole. */
    after: Type.String({ maxLength: 1_024 }),
  },
  { additionalProperties: false },
);
const inventories = defineRecordKind({
  prefix: "inventory/",
  value: Inventory,
  holds: "when the manifests of the bucket were listed",
  kept: "as long as the distributor",
  damaged: "missing",
});
const MANIFESTS = "manifests";

const EVERY_MS = 60 * 60_000;
/** The event of a manifest that is younger may be on its way. */
const EVENT_MS = 15 * 60_000;
/** Reserved for publishing what was found. */
const MARGIN_MS = 120_000;

/**
 * Lists the manifests once an hour, and publishes those whose event did not come: the notifications of a bucket are one document, which
 * each tool writes as a whole, and without them nothing else would be red.
 */
export async function publishUnseen(context: DistributorContext, turn: Turn): Promise<void> {
  const { clock, logger, write } = context;
  const now = clock.now();
  const before = await inventories.find(context, MANIFESTS);
  const from = before?.after ?? "";
  if (before !== undefined && from === "" && now - before.begunAt < EVERY_MS) return;
  const { found, after } = await listManifests(context, from, turn);
  const unseen = await keepUnseen(context, found);
  for (const { name, version } of unseen) {
    const why = "A manifest is published whose event did not come: are the bucket's notifications to EventBridge on?";
    logger.error(why, { code: "EVENT_MISSING", name, version });
    await context.publish({ name, version });
  }
  write(toUnseenLine(unseen, now));
  await inventories.change(context, MANIFESTS, () => ({ write: { value: { begunAt: now, after } } }));
}

/** Lists versions by their manifests until the turn ends. */
async function listManifests(
  context: DistributorContext,
  from: string,
  turn: Turn,
): Promise<{ readonly found: readonly VersionId[]; readonly after: string }> {
  const { clock } = context;
  const latest = clock.now() - EVENT_MS;
  const found: VersionId[] = [];
  for (let after = from; ; ) {
    const page = await listPage(context, after);
    const { Contents = [], IsTruncated = false } = page;
    found.push(...toOldVersions(context, page, latest));
    after = Contents.at(-1)?.Key ?? "";
    if (!IsTruncated || after === "") return { found, after: "" };
    if (clock.now() + MARGIN_MS > turn.deadlineAt) return { found, after };
  }
}

/** Lists a page of the objects behind a key; an empty key: the first page. */
async function listPage({ s3, config }: DistributorContext, after: string): Promise<ListObjectsV2CommandOutput> {
  const { bucket: Bucket, prefix } = config;
  const command = new ListObjectsV2Command({ Bucket, Prefix: prefix, ...(after && { StartAfter: after }) });
  const what = `The manifests in s3://${Bucket}/${prefix} cannot be listed.`;
  return callAws(() => s3.send(command), { what, advice: "Allow s3:ListBucket." });
}

/** Returns the versions of the manifests in a page that were written by an instant at the latest. */
function toOldVersions(
  { config }: DistributorContext,
  { Contents = [] }: ListObjectsV2CommandOutput,
  latest: number,
): readonly VersionId[] {
  return Contents.filter(({ LastModified }) => (LastModified?.getTime() ?? 0) <= latest)
    .map(({ Key = "" }) => Key)
    .filter((key) => classifyKey(key, config) === "manifest")
    .map((key) => toIdOfKey(key, config));
}

/** Keeps the versions of which nothing is known: not published, not refused, not removed. */
async function keepUnseen(context: DistributorContext, found: readonly VersionId[]): Promise<readonly VersionId[]> {
  const { records, clock } = context;
  const refused = await listRefusals(context);
  const known = new Set([...(await listVersions(context)), ...refused].map(toVersionKey));
  const unseen: VersionId[] = [];
  for (const each of found) {
    if (known.has(toVersionKey(each))) continue;
    const record = await records.get(artifacts.toKey(toVersionKey(each)), clock.now());
    if (record === undefined) unseen.push(each);
  }
  return unseen;
}
