import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import type { AnnouncedMessage } from "../decide-message.ts";
import { findStoredObject } from "./find-stored-object.ts";
import type { KnownEntry, KnownObject } from "./known-artifacts.ts";
import { type ConsumerDeps, type RecordContext, sendReceipt, toFields } from "./record-context.ts";

/**
 * Deletes the file of exactly that version, digest and key; anything else under the key stays. First it is noted that the
 * file goes, so that whoever dies in between leaves nobody who believes that it is there. What is noted stays, and counts as
 * later than this publication: a late duplicate of its announcement, be it the first that comes, does not bring the file back.
 */
export async function retireArtifact(
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
