import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { mapLimited, StackyardError } from "@stackyard/core";
import type { ConsumerPlace, ReceivedReceipt } from "@stackyard/sdk/artifacts";
import { type Cell, toPlaceKey } from "./cell.ts";
import { changeCell, listCells } from "./cell-records.ts";
import { type CoverageVerdict, decideCovered, isDone } from "./cell-status.ts";
import { type ConsumerRecord, listExpecting, noteConsumer, requireExpecting } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { parseReceipt, parseRegistered, parseUnregistered, type StampedEvent, toObservedAt } from "./events.ts";
import type { PublishedArtifact } from "./fan-out.ts";
import { loadReadable } from "./published-versions.ts";
import { type CellEvent, toCellEvent } from "./reduce-cell.ts";
import { evaluateTrust } from "./trust.ts";
import {
  beginCoverage,
  type CoverageRecord,
  changeCoverage,
  findCoverage,
  findVersion,
  isSubscribed,
  type ListedVersion,
  toSubscription,
  type VersionId,
} from "./versions.ts";

const WIDTH = 25;

/** Records which consumers should get a new version. Idempotent. */
export async function onPublished(
  context: DistributorContext,
  { manifest, manifestSha256, sequence }: PublishedArtifact,
): Promise<void> {
  const { name, version, labels = {}, files } = manifest;
  const published = { name, version, labels, sequence, retired: false };
  const subject = { name, version, manifestSha256, files: files.length };
  const at = context.clock.now();
  const consumers = await listExpecting(context, context.trust);
  const expected = consumers.filter((each) => isSubscribed(toSubscription(each.capabilities), published));
  await mapLimited(expected, WIDTH, (each) =>
    changeCell(context, subject, each, (cell) =>
      cell.announcedAt === null ? [{ ...toAnnounced(cell, at), bucket: each.bucket ?? undefined }] : [],
    ),
  );
  await beginCoverage(context, manifest, sequence);
}

/** Returns the announcement's event. A receipt can arrive before this record: then it belongs to this announcement. */
function toAnnounced({ failures }: Cell, now: number): CellEvent & { readonly kind: "announced" } {
  const heard = Object.values(failures).map(({ at }) => at);
  return { kind: "announced", at: Math.min(now, ...heard), scope: "all" };
}

type ConsumerBusEvent = Omit<StampedEvent, "source">;

/** The outcome of an event. `dropped`: the event is not trusted or invalid. */
type ReceiptOutcome =
  | { readonly kind: "taken" }
  /** The event is valid but concerns no known version. */
  | { readonly kind: "ignored" }
  | { readonly kind: "dropped"; readonly code: DropCode };

/** Why an event is dropped. */
type DropCode = "EVENT_INVALID" | "ACCOUNT_MISMATCH" | "ACCOUNT_NOT_TRUSTED";

const PROBE = "stackyard.probe";

/**
 * Handles a receipt or a registration. The account set by EventBridge is authoritative; events whose body names another account,
 * and events of untrusted accounts, are dropped. Events can be late, repeated and concurrent. Throws when records or EventBridge
 * fail: then the event must be redelivered.
 */
export async function onReceipt(context: DistributorContext, event: ConsumerBusEvent): Promise<ReceiptOutcome> {
  const take = readEvent(event);
  if (take === undefined) return { kind: "dropped", code: "EVENT_INVALID" };
  if (take.said.account !== event.account) return { kind: "dropped", code: "ACCOUNT_MISMATCH" };
  const verdict = evaluateTrust(event.account, context.trust, "stamped");
  if (verdict.kind === "rejected") return { kind: "dropped", code: verdict.code };
  return take.work(context);
}

interface ReadEvent {
  readonly said: ConsumerPlace;
  readonly work: (context: DistributorContext) => Promise<ReceiptOutcome>;
}

function readEvent({ "detail-type": type, detail, time }: ConsumerBusEvent): ReadEvent | undefined {
  if (type === "consumer.registered") {
    const said = parseRegistered(detail);
    return said && { said, work: (context) => note(context, said, { ...said, kind: "registered" }, time) };
  }
  if (type === "consumer.unregistered") {
    const said = parseUnregistered(detail);
    return said && { said, work: (context) => note(context, said, { kind: "unregistered" }, time) };
  }
  const said = type === "artifact.receipt" ? parseReceipt(detail) : undefined;
  return said && { said, work: (context) => takeReceipt(context, said, { time }) };
}

type Note =
  | { readonly kind: "registered"; readonly bucket: string; readonly capabilities: readonly string[] }
  | { readonly kind: "unregistered" };

/**
 * Records an event of a consumer. EventBridge does not keep order, so the time of sending counts, and a quick
 * re-registration is not undone.
 */
async function note(
  context: DistributorContext,
  place: ConsumerPlace,
  said: Note,
  time: unknown,
): Promise<ReceiptOutcome> {
  const [now, sentAt] = [context.clock.now(), Date.parse(String(time))];
  await noteConsumer(context, place, { ...said, at: sentAt >= 0 && sentAt < now ? sentAt : now });
  return { kind: "taken" };
}

async function takeReceipt(
  context: DistributorContext,
  said: ReceivedReceipt,
  stamp: Pick<StampedEvent, "time">,
): Promise<ReceiptOutcome> {
  const { artifact, account, region, bucket } = said;
  const isProbe = artifact.name === PROBE;
  const at = toObservedAt(Date.parse(said.at), stamp, context.clock.now());
  const consumer = await noteConsumer(context, { account, region }, { kind: "answered", at, bucket, isProbe });
  if (isProbe) return { kind: "taken" };
  // A late receipt for a bucket that the consumer no longer uses.
  if (consumer?.bucket !== bucket) return { kind: "ignored" };
  return countReceipt(context, { ...said, at: new Date(at).toISOString() });
}

async function countReceipt(context: DistributorContext, receipt: ReceivedReceipt): Promise<ReceiptOutcome> {
  const { name, version } = receipt.artifact;
  if (name === null || version === null) return { kind: "ignored" };
  // Receipts for a version that retention has removed are ignored.
  const published = await loadReadable(context, { name, version });
  const cellEvent = published && toCellEvent(receipt, published.manifest);
  if (published === undefined || cellEvent === undefined) return { kind: "ignored" };
  const { manifest, manifestSha256 } = published;
  const subject = { name, version, manifestSha256, files: manifest.files.length };
  const cell = await changeCell(context, subject, receipt, () => [{ ...cellEvent, bucket: receipt.bucket }]);
  if (isDone(cell)) await settle(context, subject);
  return { kind: "taken" };
}

/** Settles a version, also for a complete cell: the process that completed it can have crashed here. */
async function settle(context: DistributorContext, id: VersionId): Promise<void> {
  const found = await findVersion(context, id);
  if (found === undefined || found.retired) return;
  await settleVersion(context, found, await requireExpecting(context, context.trust));
}

/** A process that has not sent the event after this time has crashed. */
const TELLING_MS = 60_000;

/**
 * Checks whether a version is covered and sends `artifact.covered` the first time. The event is repeated only after a crash
 * between sending and recording it. Returns true when the version is covered.
 */
export async function settleVersion(
  context: DistributorContext,
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
): Promise<boolean> {
  // Read before the cells: later additions change `opened`.
  const before = await findCoverage(context, version);
  if (before.removedAt !== null) return false;
  if (before.settledAt !== null) return true;
  const verdict = evaluateCoverage(version, consumers, await listCells(context, version, consumers));
  if (verdict.kind === "open") return false;
  const known = await sendCoveredOnce(context, version, { before, consumers: verdict.consumers });
  if (known.toldAt === null) return true;
  const now = context.clock.now();
  await changeCoverage(context, version, (each) =>
    each.opened === before.opened && each.settledAt === null ? { ...each, settledAt: now } : undefined,
  );
  return true;
}

async function sendCoveredOnce(
  context: DistributorContext,
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

async function sendCovered(
  { events }: DistributorContext,
  { record }: ListedVersion,
  consumers: number,
): Promise<void> {
  const { name, version, manifestSha256 } = record;
  const Detail = JSON.stringify({ v: 1, name, version, manifestSha256, consumers });
  const Entries = [{ Source: "stackyard.distributor", DetailType: "artifact.covered", Detail }];
  const { FailedEntryCount, Entries: answers } = await events.send(new PutEventsCommand({ Entries }));
  if (!FailedEntryCount) return;
  const message = `EventBridge rejected the event artifact.covered of ${name} ${version}: ${answers?.[0]?.ErrorCode}.`;
  throw new StackyardError("UNREACHABLE", message);
}

/**
 * Returns the consumers that should have a version: subscribers of a current version, and all to which it was announced.
 * `consumers`: those at which artifacts are expected.
 */
export function expectedConsumers(
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
  cells: readonly ConsumerPlace[],
): readonly ConsumerRecord[] {
  if (version.retired) return [];
  const known = new Set(cells.map(toPlaceKey));
  const isWanted = ({ capabilities }: ConsumerRecord) =>
    version.isCurrent && isSubscribed(toSubscription(capabilities), version);
  return consumers.filter((each) => known.has(toPlaceKey(each)) || isWanted(each));
}

/**
 * Decides whether a version is covered. Version 1 consumers send no receipts, and a trusted account can request a set for a region
 * without a consumer, so only version 2 consumers are awaited. Without any, coverage requires checks of the buckets.
 */
export function evaluateCoverage(
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
  cells: readonly Cell[],
): CoverageVerdict {
  const all = expectedConsumers(version, consumers, cells);
  const able = all.filter(canAnswer);
  return decideCovered({ cells, expected: able.length > 0 ? able : all });
}

/** Counts the expected version 1 consumers whose buckets were not checked. */
export function countSilent(
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
  cells: readonly Cell[],
): number {
  const all = expectedConsumers(version, consumers, cells);
  const silent = all.filter((each) => !canAnswer(each));
  const verdict = decideCovered({ cells, expected: silent });
  return verdict.kind === "open" ? verdict.missing.length : 0;
}

function canAnswer({ generation }: ConsumerRecord): boolean {
  return generation === "v2";
}
