import { DeleteObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import type { CopyOutcome } from "../copy/copier.ts";
import { METADATA } from "../copy/target-bucket.ts";
import { decideMessage, type MessageDecision } from "../decide-message.ts";
import { type AnnouncedMessage, type ArtifactMessage, toRefreshEvent } from "../messages.ts";
import type { KnownEntry, KnownObject } from "./known-artifacts.ts";
import {
  type ConsumerDeps,
  type ConsumerOptions,
  findTold,
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
 * Serves one delivery: object, then what is known of it, then the receipt, then the end, so that whoever dies in between is
 * followed by a delivery that does the rest. Throws what must come again.
 */
export async function handleRecord(context: RecordContext): Promise<RecordEnd> {
  const { deps, record } = context;
  const peeked = peekRecord(record, deps.config.topicArn);
  const known = peeked.key === undefined ? undefined : await deps.known.load(peeked.key);
  const decision = await decide(context, known);
  deps.logger.debug("A message was decided on.", toFields(context, { decision: decision.kind, key: peeked.key }));
  return act(context, decision, { known, peeked });
}

/** A receipt must not say that something is there which somebody has deleted: then it is copied again. */
async function decide({ deps, record }: RecordContext, known: KnownEntry | undefined): Promise<MessageDecision> {
  const decideWith = (object: KnownEntry["object"] | undefined) =>
    decideMessage(record, deps.config, deps.clock.now(), () => object);
  const decision = decideWith(known?.object);
  if (decision.kind !== "skip" || decision.code !== "ALREADY_PRESENT") return decision;
  const digest = await findStoredDigest(deps, decision.message.ArtifactKey);
  return digest === known?.object.sourceSha256 ? decision : decideWith(undefined);
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
      return giveUp(context, "rejected", decision, findTold(peeked.body));
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

/** So many attempts in a row without a further byte, and the message is given up. */
const MAX_STALLS = 5;
/** What is left for the record, the receipt and the answer when a copy has stopped. */
const LEFT_MS = 5_000;
const EXPIRED = { code: "URL_EXPIRED", reason: "The URL has expired." } as const;

type Stored = Extract<CopyOutcome, { readonly kind: "stored" | "present" }>;

/** Copies the file and tells of it. */
async function copyArtifact(
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
async function refreshOrReject(context: RecordContext, message: ArtifactMessage): Promise<RecordEnd> {
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

/**
 * Deletes the file of exactly that version, digest and key; anything else under the key stays. First it is noted that the
 * file goes, so that whoever dies in between leaves nobody who believes that it is there. What is noted stays, and counts as
 * later than this publication: a late duplicate of its announcement, be it the first that comes, does not bring the file back.
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
    // A copy that was made meanwhile has written its own.
    await deps.known.replace(noted, toRetired(noted.object, message));
    deps.logger.info("A file was deleted, as the distributor asked.", toFields(context, { key: message.ArtifactKey }));
  } else if (known === undefined) {
    const { name, version, sha256 } = message.artifact;
    const retired = toRetired({ key: message.ArtifactKey, name, version, retiring: sha256 }, message);
    if (retired !== undefined) await deps.known.save(retired);
  }
  await sendReceipt(context, message, { status: "present", code: "RETIRED", verified: true });
  return "done";
}

/** Sequences are given once, so the next publication has this one at least. Undefined where the distributor gives none. */
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
  throw new StackyardError("RECORD_CONFLICT", "The file that is to be deleted is being written. It comes again.");
}

/** Only what carries the digest, and only as it was looked at. Older versions stay, where the bucket keeps them. */
async function deleteObject(deps: ConsumerDeps, { ArtifactKey: Key, artifact }: AnnouncedMessage): Promise<void> {
  const found = await findStoredObject(deps, Key);
  if (found === undefined || found.sourceSha256 !== artifact.sha256) return;
  const { clients, bucket: Bucket, config } = deps;
  const etag = found.etag === undefined ? {} : { IfMatch: found.etag };
  try {
    await clients.s3.send(new DeleteObjectCommand({ Bucket, Key, ExpectedBucketOwner: config.account, ...etag }));
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return;
    throw toAwsError(error, "A file could not be deleted.", "Allow s3:DeleteObject on the bucket's objects.");
  }
}

/** An object as it stands. */
interface StoredObject {
  /** Undefined: nobody of ours has written it. */
  readonly sourceSha256: string | undefined;
  readonly etag: string | undefined;
}

/** Looks at an object; undefined: there is none. */
async function findStoredObject(
  { clients, bucket, config }: Pick<ConsumerOptions, "clients" | "bucket" | "config">,
  Key: string,
): Promise<StoredObject | undefined> {
  try {
    const request = { Bucket: bucket, Key, ExpectedBucketOwner: config.account };
    const { Metadata, ETag } = await clients.s3.send(new HeadObjectCommand(request));
    return { sourceSha256: Metadata?.[METADATA.sha256], etag: ETag };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return undefined;
    throw toAwsError(error, "An object of the bucket could not be looked at.");
  }
}

/** The digest of the source of what stands under the key. */
async function findStoredDigest(
  deps: Pick<ConsumerOptions, "clients" | "bucket" | "config">,
  key: string,
): Promise<string | undefined> {
  return (await findStoredObject(deps, key))?.sourceSha256;
}
