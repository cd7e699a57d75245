import type { PublishedArtifact } from "../announce/announcer.ts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { listExpecting } from "../registry/consumers.ts";
import { inParallel } from "../registry/in-parallel.ts";
import type { Cell } from "./cell.ts";
import { changeCell } from "./cells.ts";
import { beginCoverage } from "./coverage-record.ts";
import { isSubscribed, toSubscription } from "./expected-set.ts";
import type { CellEvent } from "./reduce-cell.ts";

const WIDTH = 25;

/** Notes of whom a version is expected that is announced to all. May be called again: what is known stays. */
export async function onPublished(
  context: Pick<DistributorContext, "records" | "clock" | "random" | "trust">,
  { manifest, manifestSha256, sequence }: PublishedArtifact,
): Promise<void> {
  const { name, version, labels = {}, files } = manifest;
  const published = { name, version, labels, sequence, retired: false };
  const subject = { name, version, manifestSha256, files: files.length };
  const at = context.clock.now();
  const consumers = await listExpecting(context, context.trust);
  const expected = consumers.filter((each) => isSubscribed(toSubscription(each.capabilities), published));
  await inParallel(expected, WIDTH, (each) =>
    changeCell(context, subject, each, (cell) =>
      cell.announcedAt === null ? [{ ...toAnnounced(cell, at), bucket: each.bucket ?? undefined }] : [],
    ),
  );
  await beginCoverage(context, manifest, sequence);
}

/** Where a receipt was quicker than this note, what it tells is of this announcement. */
function toAnnounced({ failures }: Cell, now: number): CellEvent & { readonly kind: "announced" } {
  const heard = Object.values(failures).map(({ at }) => at);
  return { kind: "announced", at: Math.min(now, ...heard), scope: "all" };
}
