import type { ArtifactMessage } from "../artifact-message.ts";
import type { CopyOutcome } from "../copy/copy-outcome.ts";
import { toRefreshEvent } from "./consumer-events.ts";
import type { KnownEntry, KnownObject } from "./known-artifacts.ts";
import { giveUp, type RecordContext, type RecordEnd, sendReceipt, toFields } from "./record-context.ts";
import { toAttempt } from "./sqs-event.ts";

/** So many attempts in a row without a further byte, and the message is given up. */
const MAX_STALLS = 5;
/** What is left for the record, the receipt and the answer when a copy has stopped. */
const LEFT_MS = 5_000;
const EXPIRED = { code: "URL_EXPIRED", reason: "The URL has expired." } as const;

type Stored = Extract<CopyOutcome, { readonly kind: "stored" | "present" }>;

/** Copies the file and tells of it. */
export async function copyArtifact(
  context: RecordContext,
  message: ArtifactMessage,
  known: KnownEntry | undefined,
): Promise<RecordEnd> {
  const { deps, record, deadlineAt } = context;
  // The first version overwrites: nobody may believe meanwhile that the old file is there.
  if (message.v === 1 && known !== undefined) await deps.known.replace(known, undefined);
  const limits = Number.isFinite(deadlineAt) ? { deadlineAt: deadlineAt - LEFT_MS } : {};
  const outcome = await deps.copier.copy({ message, attempt: toAttempt(record), ...limits });
  return settle(context, message, outcome);
}

/** Asks for a message with a new URL, and is done with this one: the distributor sends another. */
export async function refreshOrReject(context: RecordContext, message: ArtifactMessage): Promise<RecordEnd> {
  const { deps } = context;
  const { config, events } = deps;
  if (message.v === 1 || config.refresh === false || events === undefined) {
    return giveUp(context, "rejected", EXPIRED, { message });
  }
  const isTaken = await events.send(toRefreshEvent(config, message));
  if (isTaken) deps.logger.info("A new URL was asked for.", toFields(context, { key: message.ArtifactKey }));
  return isTaken ? "done" : "again";
}

async function settle(context: RecordContext, message: ArtifactMessage, outcome: CopyOutcome): Promise<RecordEnd> {
  switch (outcome.kind) {
    case "stored":
    case "present":
      return conclude(context, message, outcome);
    case "superseded":
      return "done";
    case "refresh":
      return refreshOrReject(context, message);
    case "failed":
      return giveUp(context, "failed", outcome, { message });
    case "rejected":
      return giveUp(context, "rejected", outcome, { message });
    default:
      return tryAgain(context, message, outcome);
  }
}

async function conclude(context: RecordContext, message: ArtifactMessage, outcome: Stored): Promise<"done"> {
  const { deps } = context;
  const { kind: status, sourceSha256, storedSha256, size, versionId = null } = outcome;
  await deps.known.save(toKnown(message, outcome));
  deps.logger.info("A file is there.", toFields(context, { status, key: message.ArtifactKey, size }));
  const verified = message.v === 2 && outcome.verified;
  await sendReceipt(context, message, { status, verified, sourceSha256, storedSha256, size, versionId });
  return "done";
}

function toKnown(message: ArtifactMessage, { sourceSha256, storedSha256, size, versionId }: Stored): KnownObject {
  const common = { key: message.ArtifactKey, storedSha256, size, ...(versionId === undefined ? {} : { versionId }) };
  // A template that the first version has rewritten is not what the second one may announce under the same digest.
  if (message.v === 1) return sourceSha256 === storedSha256 ? { ...common, sourceSha256 } : common;
  const { artifact, sequence } = message;
  const { name, version } = artifact;
  return { ...common, sourceSha256, name, version, ...(sequence === undefined ? {} : { sequence }) };
}

async function tryAgain(
  context: RecordContext,
  message: ArtifactMessage,
  outcome: Extract<CopyOutcome, { readonly kind: "retry" | "suspended" }>,
): Promise<RecordEnd> {
  const fields = { ...outcome, key: message.ArtifactKey };
  const code = outcome.kind === "retry" ? outcome.code : "SOURCE_UNAVAILABLE";
  const reason = outcome.kind === "retry" ? outcome.reason : "No attempt has brought a further byte.";
  if (outcome.stalls >= MAX_STALLS) return giveUp(context, "failed", { code, reason }, { message });
  context.deps.logger.warn("A copy goes on with the next delivery.", toFields(context, fields));
  return outcome.kind === "suspended" && outcome.stalls === 0 ? "soon" : "again";
}
