import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { StackyardError } from "@stackyard/core";
import type { DistributorContext } from "../function/distributor-context.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { listCells } from "./cells.ts";
import { type CoverageRecord, changeCoverage, findCoverage } from "./coverage-record.ts";
import { judgeCoverage, type ListedVersion } from "./versions.ts";

type SettleContext = Pick<DistributorContext, "records" | "clock" | "random" | "events">;

/** Whoever has begun to tell, and is not done by then, has died. */
const TELLING_MS = 60_000;

/**
 * Looks whether a version stands everywhere, and sends `artifact.covered` when it does so for the first time: once, or again only where a
 * process died between the sending and the note about it. True: it stands everywhere now.
 */
export async function settleVersion(
  context: SettleContext,
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
): Promise<boolean> {
  // Read before the cells: what is added later shows in `opened`.
  const before = await findCoverage(context, version);
  if (before.removedAt !== null) return false;
  if (before.settledAt !== null) return true;
  const verdict = judgeCoverage(version, consumers, await listCells(context, version));
  if (verdict.kind === "open") return false;
  const known = await tellOnce(context, version, { before, consumers: verdict.consumers });
  if (known.toldAt === null) return true;
  const now = context.clock.now();
  await changeCoverage(context, version, (each) =>
    each.opened === before.opened && each.settledAt === null ? { ...each, settledAt: now } : undefined,
  );
  return true;
}

async function tellOnce(
  context: SettleContext,
  version: ListedVersion,
  { before, consumers }: { readonly before: CoverageRecord; readonly consumers: number },
): Promise<CoverageRecord> {
  if (before.toldAt !== null) return before;
  const now = context.clock.now();
  let isOurs = false;
  const claimed = await changeCoverage(context, version, (known) => {
    isOurs = known.toldAt === null && now - (known.tellingAt ?? Number.NEGATIVE_INFINITY) >= TELLING_MS;
    return isOurs ? { ...known, coveredAt: known.coveredAt ?? now, tellingAt: now } : undefined;
  });
  if (!isOurs) return claimed;
  await sendCovered(context, version, consumers);
  return changeCoverage(context, version, (known) => ({ ...known, toldAt: known.toldAt ?? context.clock.now() }));
}

async function sendCovered({ events }: SettleContext, { record }: ListedVersion, consumers: number): Promise<void> {
  const { name, version, manifestSha256 } = record;
  const Detail = JSON.stringify({ v: 1, name, version, manifestSha256, consumers });
  const Entries = [{ Source: "stackyard.distributor", DetailType: "artifact.covered", Detail }];
  const { FailedEntryCount, Entries: answers } = await events.send(new PutEventsCommand({ Entries }));
  if (!FailedEntryCount) return;
  const message = `EventBridge did not take the event that ${name} ${version} is covered: ${answers?.[0]?.ErrorCode}.`;
  throw new StackyardError("UNREACHABLE", message);
}
