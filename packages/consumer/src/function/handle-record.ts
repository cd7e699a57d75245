import { DeleteObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { callAws } from "@stackyard/aws";
import { defined, StackyardError } from "@stackyard/core";
import type { CopyOutcome } from "../copy/copier.ts";
import { METADATA } from "../copy/target-bucket.ts";
import { decideMessage, type MessageDecision } from "../decide-message.ts";
import { type AnnouncedMessage, type ArtifactMessage, toRefreshEvent } from "../messages.ts";
import type { KnownEntry, KnownObject } from "./known-artifacts.ts";
import {
  type ConsumerDeps,
  findSubject,
  giveUp,
  type PeekedRecord,
  peekRecord,
  type RecordContext,
  type RecordEnd,
  sendReceipt,
  toAttempt,
  toFields,
  toTorn,
} from "./record-context.ts";

/**
 * Processes one delivery in the order object, record, receipt, acknowledgement. After a crash in between, the next delivery
 * does the rest. Throws errors that require a redelivery.
 */
export async function handleRecord(context: RecordContext): Promise<RecordEnd> {
  const { deps, record } = context;
  const peeked = peekRecord(record, deps.config.topicArn);
  const known = peeked.key === undefined ? undefined : await deps.known.load(peeked.key);
  const decision = await decide(context, known);
  deps.logger.debug("Decided on a message.", toFields(context, { decision: decision.kind, key: peeked.key }));
  return act(context, decision, { known, peeked });
}

/** Decides on the message. A recorded object that was deleted from the bucket is copied again. */
async function decide({ deps, record }: RecordContext, known: KnownEntry | undefined): Promise<MessageDecision> {
  const decideWith = (object: KnownEntry["object"] | undefined) =>
    decideMessage(record, deps.config, deps.clock.now(), () => object);
  const decision = decideWith(known?.object);
  if (decision.kind !== "skip" || decision.code !== "ALREADY_PRESENT") return decision;
  const stored = await findStoredObject(deps, decision.message.ArtifactKey);
  return stored?.sourceSha256 === known?.object.sourceSha256 ? decision : decideWith(undefined);
}

interface Found {
  readonly known: KnownEntry | undefined;
  readonly peeked: PeekedRecord;
}

function act(context: RecordContext, decision: MessageDecision, { known, peeked }: Found): Promise<RecordEnd> {
  switch (decision.kind) {
    case "copy":
      return copyArtifact(context, decision.message, known);
    case "refresh":
      return refreshOrReject(context, decision.message);
    case "retire":
      return retireArtifact(context, decision.message, known);
    case "reject":
      return giveUp(context, "rejected", decision, findSubject(peeked.body));
    default:
      return skip(context, decision, known);
  }
}

async function skip(
  context: RecordContext,
  decision: Extract<MessageDecision, { readonly kind: "skip" }>,
  known: KnownEntry | undefined,
): Promise<"done"> {
  if (decision.code === "PROBE") {
    await sendReceipt(context, undefined, { status: "present", code: decision.code }, toTorn(decision.probe));
  } else if (decision.code === "ALREADY_PRESENT") {
    const { storedSha256 = null, versionId = null } = known?.object ?? {};
    const outcome = { status: "present", code: decision.code, verified: true, storedSha256, versionId } as const;
    await sendReceipt(context, decision.message, outcome);
  }
  return "done";
}

/** Attempts in a row without progress after which the message is given up. */
const MAX_STALLS = 5;
/** Reserved for record, receipt and response when a copy stops. */
const LEFT_MS = 5_000;
const EXPIRED = { code: "URL_EXPIRED", reason: "The URL has expired." } as const;

type Stored = Extract<CopyOutcome, { readonly kind: "stored" | "present" }>;

/** Copies the file and sends a receipt. */
async function copyArtifact(
  context: RecordContext,
  message: ArtifactMessage,
  known: KnownEntry | undefined,
): Promise<RecordEnd> {
  const { deps, record, deadlineAt } = context;
  // A version 1 message overwrites the object, so the old record must not be trusted meanwhile.
  if (message.v === 1 && known !== undefined) await deps.known.replace(known, undefined);
  const limits = Number.isFinite(deadlineAt) ? { deadlineAt: deadlineAt - LEFT_MS } : {};
  const outcome = await deps.copier.copy({ message, attempt: toAttempt(record), ...limits });
  return settle(context, message, outcome);
}

/** Requests an announcement with a new URL and acknowledges this one. */
async function refreshOrReject(context: RecordContext, message: ArtifactMessage): Promise<RecordEnd> {
  const { deps } = context;
  const { config, events } = deps;
  if (message.v === 1 || config.refresh === false || events === undefined) {
    return giveUp(context, "rejected", EXPIRED, { message });
  }
  const sent = await events.send(toRefreshEvent(config, message));
  if (sent.kind === "taken") deps.logger.info("Requested a new URL.", toFields(context, { key: message.ArtifactKey }));
  return sent.kind === "taken" ? "done" : "again";
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
  deps.logger.info("A file is stored.", toFields(context, { status, key: message.ArtifactKey, size }));
  const verified = message.v === 2 && outcome.verified;
  await sendReceipt(context, message, { status, verified, sourceSha256, storedSha256, size, versionId });
  return "done";
}

function toKnown(message: ArtifactMessage, { sourceSha256, storedSha256, size, versionId }: Stored): KnownObject {
  const common = { key: message.ArtifactKey, storedSha256, size, ...defined({ versionId }) };
  // A rewritten template is not recorded with the source digest: a version 2 message can announce the original.
  if (message.v === 1) return sourceSha256 === storedSha256 ? { ...common, sourceSha256 } : common;
  const { artifact, sequence } = message;
  const { name, version } = artifact;
  return { ...common, sourceSha256, name, version, ...defined({ sequence }) };
}

async function tryAgain(
  context: RecordContext,
  message: ArtifactMessage,
  outcome: Extract<CopyOutcome, { readonly kind: "retry" | "suspended" }>,
): Promise<RecordEnd> {
  const fields = { ...outcome, key: message.ArtifactKey };
  const code = outcome.kind === "retry" ? outcome.code : "SOURCE_UNAVAILABLE";
  const reason = outcome.kind === "retry" ? outcome.reason : `The last attempts made no progress. ${outcome.reason}`;
  if (outcome.stalls >= MAX_STALLS) return giveUp(context, "failed", { code, reason }, { message });
  context.deps.logger.warn("A copy continues with the next delivery.", toFields(context, fields));
  return outcome.kind === "suspended" && outcome.stalls === 0 ? "soon" : "again";
}

/**
 * Deletes the file of exactly this version, digest and key; any other object stays. The deletion is recorded first, so that
 * after a crash the file does not count as present. The record stays with a later sequence, so that a late duplicate of the
 * announcement does not restore the file.
 */
async function retireArtifact(
  context: RecordContext,
  message: AnnouncedMessage,
  known: KnownEntry | undefined,
): Promise<"done"> {
  const { deps } = context;
  if (known !== undefined && isMeant(known.object, message)) {
    const noted = await noteRetiring(deps, known);
    await deleteObject(deps, message);
    // A concurrent copy writes its own record.
    await deps.known.replace(noted, toRetired(noted.object, message));
    deps.logger.info("Deleted a file at the distributor's request.", toFields(context, { key: message.ArtifactKey }));
  } else if (known === undefined) {
    const { name, version, sha256 } = message.artifact;
    const retired = toRetired({ key: message.ArtifactKey, name, version, retiring: sha256 }, message);
    if (retired !== undefined) await deps.known.save(retired);
  }
  await sendReceipt(context, message, { status: "present", code: "RETIRED", verified: true });
  return "done";
}

/** Sequences are unique, so the next publication has at least this one. Undefined when the message has no sequence. */
function toRetired(object: KnownObject, { sequence }: AnnouncedMessage): KnownObject | undefined {
  return sequence === undefined ? undefined : { ...object, sequence: sequence + 1 };
}

function isMeant({ name, version, sourceSha256, retiring }: KnownObject, { artifact }: AnnouncedMessage): boolean {
  const digest = retiring ?? sourceSha256;
  return digest === artifact.sha256 && name === artifact.name && version === artifact.version;
}

async function noteRetiring({ known }: ConsumerDeps, entry: KnownEntry): Promise<KnownEntry> {
  const { sourceSha256, ...rest } = entry.object;
  if (sourceSha256 === undefined) return entry;
  const isNoted = await known.replace(entry, { ...rest, retiring: sourceSha256 });
  const noted = isNoted ? await known.load(rest.key) : undefined;
  if (noted?.object.retiring === sourceSha256) return noted;
  throw new StackyardError("RECORD_CONFLICT", "The file to delete is being written. The queue redelivers the message.");
}

/** Deletes the object only if it still has the digest. In a versioned bucket older versions stay. */
async function deleteObject(deps: ConsumerDeps, { ArtifactKey: Key, artifact }: AnnouncedMessage): Promise<void> {
  const found = await findStoredObject(deps, Key);
  if (found === undefined || found.sourceSha256 !== artifact.sha256) return;
  const { clients, bucket: Bucket, config } = deps;
  const input = defined({ Bucket, Key, ExpectedBucketOwner: config.account, IfMatch: found.etag });
  const advice = "Allow s3:DeleteObject on the bucket's objects.";
  const policy = { what: "A file could not be deleted.", advice, instead: { gone: undefined } };
  await callAws(() => clients.s3.send(new DeleteObjectCommand(input)), policy);
}

/** Finds an object; undefined when the key is free. It has no digest when another writer created it. */
async function findStoredObject({ clients, bucket, config }: ConsumerDeps, Key: string) {
  const command = new HeadObjectCommand({ Bucket: bucket, Key, ExpectedBucketOwner: config.account });
  const policy = { what: "An object of the bucket could not be read.", instead: { gone: undefined } };
  const head = await callAws(() => clients.s3.send(command), policy);
  return head && { sourceSha256: head.Metadata?.[METADATA.sha256], etag: head.ETag };
}
