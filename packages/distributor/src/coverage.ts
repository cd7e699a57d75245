import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { StackyardError } from "@stackyard/core";
import {
  type Cell,
  type CellEvent,
  type CoverageVerdict,
  changeCell,
  decideCovered,
  listCells,
  toCellEvent,
  toPlaceKey,
} from "./cell.ts";
import { type ConsumerRecord, judgeTrust, listExpecting, noteConsumer } from "./consumers.ts";
import type { DistributorContext } from "./context.ts";
import { parseReceipt, parseRegistered, parseUnregistered, type ReceivedReceipt } from "./events.ts";
import type { PublishedArtifact } from "./fan-out.ts";
import { inParallel } from "./records.ts";
import { loadReadable } from "./source-bucket.ts";
import {
  beginCoverage,
  type CoverageRecord,
  changeCoverage,
  findCoverage,
  findVersion,
  isSubscribed,
  type ListedVersion,
  type PublishedVersion,
  toSubscription,
  type VersionId,
} from "./versions.ts";

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

/** An event of a consumer, as EventBridge brings it. */
interface ConsumerBusEvent {
  /** Stamped by EventBridge: who has really sent it. */
  readonly account: string;
  readonly "detail-type": string;
  readonly detail: unknown;
  /** When it was sent, in whole seconds. */
  readonly time?: unknown;
}

/** What became of an event. `dropped`: it changes nothing, whatever it says. */
type ReceiptOutcome =
  | { readonly kind: "taken" }
  /** It is believed, and tells nothing of what is known here. */
  | { readonly kind: "ignored" }
  | { readonly kind: "dropped"; readonly code: DropCode };

/** Why an event is dropped. */
type DropCode = "EVENT_INVALID" | "ACCOUNT_MISMATCH" | "ACCOUNT_NOT_TRUSTED";

type ReceiptContext = Pick<DistributorContext, "records" | "clock" | "random" | "trust" | "events" | "loadPublished">;

interface SaidPlace {
  readonly account: string;
  readonly region: string;
}

const PROBE = "stackyard.probe";

/**
 * Takes a receipt, or what a consumer says of itself. The account that EventBridge has stamped is believed; a body that names another is
 * dropped, and so is every account that is not trusted. Events may come late, twice and at once. Rejects when records or EventBridge fail:
 * then the event is to be brought again.
 */
export async function onReceipt(context: ReceiptContext, event: ConsumerBusEvent): Promise<ReceiptOutcome> {
  const take = readEvent(event);
  if (take === undefined) return { kind: "dropped", code: "EVENT_INVALID" };
  if (take.said.account !== event.account) return { kind: "dropped", code: "ACCOUNT_MISMATCH" };
  const verdict = judgeTrust(event.account, context.trust, "stamped");
  if (verdict.kind === "rejected") return { kind: "dropped", code: verdict.code };
  return take.work(context);
}

interface ReadEvent {
  readonly said: SaidPlace;
  readonly work: (context: ReceiptContext) => Promise<ReceiptOutcome>;
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
  return said && { said, work: (context) => takeReceipt(context, said) };
}

type Note =
  | { readonly kind: "registered"; readonly bucket: string; readonly capabilities: readonly string[] }
  | { readonly kind: "unregistered" };

/** EventBridge keeps no order: who has left and come again in a moment must not end as gone, so the time of sending counts. */
async function note(context: ReceiptContext, place: SaidPlace, said: Note, time: unknown): Promise<ReceiptOutcome> {
  const [now, sentAt] = [context.clock.now(), Date.parse(String(time))];
  await noteConsumer(context, place, { ...said, at: sentAt >= 0 && sentAt < now ? sentAt : now });
  return { kind: "taken" };
}

async function takeReceipt(context: ReceiptContext, said: ReceivedReceipt): Promise<ReceiptOutcome> {
  const { artifact, account, region, bucket } = said;
  const [isProbe, now] = [artifact.name === PROBE, context.clock.now()];
  // The consumer's clock is not ours: what it says may not count for longer than it is true, and a cell knows no instants before 1970.
  const saidAt = Math.max(0, Math.min(Date.parse(said.at), now));
  const consumer = await noteConsumer(
    context,
    { account, region },
    { kind: "answered", at: now, saidAt, bucket, isProbe },
  );
  if (isProbe) return { kind: "taken" };
  // A late word of a bucket that it has left.
  if (consumer?.bucket !== bucket) return { kind: "ignored" };
  return countReceipt(context, { ...said, at: new Date(saidAt).toISOString() });
}

async function countReceipt(context: ReceiptContext, receipt: ReceivedReceipt): Promise<ReceiptOutcome> {
  const { name, version } = receipt.artifact;
  if (name === null || version === null) return { kind: "ignored" };
  // What is still told of a version that retention has removed does not matter.
  const published = await loadReadable(context, { name, version });
  const cellEvent = published && toCellEvent(receipt, published.manifest);
  if (published === undefined || cellEvent === undefined) return { kind: "ignored" };
  const { manifest, manifestSha256 } = published;
  const subject = { name, version, manifestSha256, files: manifest.files.length };
  const cell = await changeCell(context, subject, receipt, () => [{ ...cellEvent, bucket: receipt.bucket }]);
  if (!cell.files.includes("-")) await settle(context, subject);
  return { kind: "taken" };
}

/** Also when the cell was full before: the process that filled it may have died here. */
async function settle(context: ReceiptContext, id: VersionId): Promise<void> {
  const found = await findVersion(context, id);
  if (found === undefined || found.retired) return;
  await settleVersion(context, found, await listExpecting(context, context.trust));
}

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

/** What is asked. `consumers`: those that artifacts are expected at. */
interface ExpectedConsumersInput {
  readonly version: PublishedVersion;
  readonly isCurrent: boolean;
  readonly consumers: readonly ConsumerRecord[];
  readonly cells: readonly Pick<Cell, "account" | "region">[];
}

/** Who should have a version: of a current one whoever has subscribed to it, and whoever it was announced to. */
export function expectedConsumers(input: ExpectedConsumersInput): readonly ConsumerRecord[] {
  const { version, isCurrent, consumers, cells } = input;
  if (version.retired) return [];
  const known = new Set(cells.map(toPlaceKey));
  return consumers.filter(
    (each) => known.has(toPlaceKey(each)) || (isCurrent && isSubscribed(toSubscription(each.capabilities), version)),
  );
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
