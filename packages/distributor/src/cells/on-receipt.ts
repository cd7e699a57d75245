import type { DistributorContext } from "../function/distributor-context.ts";
import { loadReadable } from "../publish/load-readable.ts";
import { parseRegistered, parseUnregistered } from "../registry/consumer-event.ts";
import { listExpecting, noteConsumer } from "../registry/consumers.ts";
import { judgeTrust } from "../trust/judge-trust.ts";
import { changeCell } from "./cells.ts";
import type { VersionId } from "./coverage-record.ts";
import { parseReceipt, type ReceivedReceipt } from "./received-receipt.ts";
import { settleVersion } from "./settle-version.ts";
import { toCellEvent } from "./to-cell-event.ts";
import { findVersion } from "./versions.ts";

/** An event of a consumer, as EventBridge brings it. */
export interface ConsumerBusEvent {
  /** Stamped by EventBridge: who has really sent it. */
  readonly account: string;
  readonly "detail-type": string;
  readonly detail: unknown;
  /** When it was sent, in whole seconds. */
  readonly time?: unknown;
}

/** What became of an event. `dropped`: it changes nothing, whatever it says. */
export type ReceiptOutcome =
  | { readonly kind: "taken" }
  /** It is believed, and tells nothing of what is known here. */
  | { readonly kind: "ignored" }
  | { readonly kind: "dropped"; readonly code: DropCode };

/** Why an event is dropped. */
export type DropCode = "EVENT_INVALID" | "ACCOUNT_MISMATCH" | "ACCOUNT_NOT_TRUSTED";

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
