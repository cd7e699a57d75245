import type { S3Client } from "@aws-sdk/client-s3";
import { cutText, defined, type Logger, mapLimited, silentLogger } from "@stackyard/core";
import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import type { ArtifactRefusal } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { type KeyPrefixes, toIdOfKey } from "./artifact-keys.ts";
import type { DistributorContext } from "./context.ts";
import { describeError } from "./describe-error.ts";
import type { Claim } from "./object-claims.ts";
import { unlessCorrupt } from "./published-versions.ts";
import { CONTENDED, Instant, Moment, type RecordDeps } from "./records.ts";
import { headUpload } from "./source-bucket.ts";
import { artifacts, toVersionKey } from "./versions.ts";

/** The record of a manifest or upload that is not published. */
const RefusalRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** By the key: the object itself can name another version, or none. */
    name: Type.String({ maxLength: 128 }),
    version: Type.String({ maxLength: 64 }),
    /** The key of the manifest or upload. */
    key: Type.String({ maxLength: 1_024 }),
    code: Type.String({ maxLength: 64 }),
    reason: Type.String({ maxLength: 1_000 }),
    /** When the object was written. What an older object says never replaces this. */
    writtenAt: Instant,
    /** When the distributor looked last. */
    at: Instant,
    /** The distributor looks again until then; null: it has given up. */
    retryUntil: Moment,
  },
  { additionalProperties: false },
);
export type RefusalRecord = Static<typeof RefusalRecord>;

/** A new refusal, with its reason. Instants are epoch milliseconds. */
interface NewRefusal extends Pick<RefusalRecord, "key" | "code" | "reason" | "retryUntil"> {
  /** Default: now. */
  readonly writtenAt?: number;
  /** Knowledge of objects that were written later stays. Default: `writtenAt`. */
  readonly noLaterThan?: number;
}

/** Dependencies of records of refusals. */
export interface RefusalDeps extends RecordDeps, KeyPrefixes {
  /** Default: none. */
  readonly logger?: Logger;
}

const KEEP_MS = 30 * 24 * 60 * 60_000;

/** Refusals, by name and version. */
const refusals = defineRecordKind({
  ...CONTENDED,
  prefix: "refused/",
  value: RefusalRecord,
  holds: "why an object is not published",
  kept: "30 days, or until it is published or deleted",
  damaged: "missing",
});

/**
 * Records why an object is not published, for 30 days, or until the version is published or the object is deleted. A version has
 * one refusal: that of the object that was written last. An object older than the published manifest is superseded, not refused.
 */
export async function noteRefusal(deps: RefusalDeps, refusal: NewRefusal): Promise<void> {
  const { clock, logger = silentLogger } = deps;
  const now = clock.now();
  const { writtenAt = now, noLaterThan = writtenAt, reason, ...facts } = refusal;
  const id = toIdOfKey(refusal.key, deps);
  const published = await unlessCorrupt(artifacts.find(deps, toVersionKey(id)));
  const isPublished = published !== undefined && published.announcedAt !== null;
  if (isPublished && Date.parse(published.writtenAt) > noLaterThan) return;
  const value = { v: 1 as const, ...id, ...facts, reason: cutText(reason, 1_000), writtenAt, at: now };
  const { isNews } = await refusals.change(deps, toVersionKey(id), (found) => {
    const known = found?.value;
    if (known !== undefined && known.writtenAt > noLaterThan) return { isNews: false };
    const isNews = known?.code !== value.code || known.retryUntil !== value.retryUntil;
    return { isNews, write: { value, expiresAt: now + KEEP_MS } };
  });
  if (isNews) logger.warn("Refused an object of the bucket.", { ...facts, reason });
}

/** An error of S3 or of the topic can last so long. */
const FAILED_MS = 7 * 24 * 60 * 60_000;

/** Dependencies of records of failures. */
interface FailureDeps extends RefusalDeps {
  readonly s3: S3Client;
  readonly bucket: string;
}

/** An object that could not be processed. */
type FailedObject = Pick<Claim<unknown>, "key" | "versionId" | "since">;

/**
 * Records an object that could not be processed. It is tried again for a week from its first event. Returns true when the week is
 * over: then it is given up.
 */
export async function noteFailure(deps: FailureDeps, failed: FailedObject, error: unknown): Promise<boolean> {
  const { code, message: reason } = describeError(error);
  const { key, since } = failed;
  const retryUntil = deps.clock.now() < since + FAILED_MS ? since + FAILED_MS : null;
  await noteRefusal(deps, { key, code, reason, ...(await findAge(deps, failed)), retryUntil });
  return retryUntil === null;
}

/**
 * Returns when an object was written. If S3 does not say, it was before its first event, and any success with its key ends its
 * failure.
 */
async function findAge(
  { s3, bucket }: FailureDeps,
  { key, versionId, since }: FailedObject,
): Promise<Pick<Required<NewRefusal>, "writtenAt" | "noLaterThan">> {
  try {
    const head = await headUpload(s3, { bucket, key, ...defined({ versionId: versionId ?? undefined }) });
    // One that is gone or was replaced is older than all that is known.
    const writtenAt = head?.modifiedAt.getTime() ?? 0;
    return { writtenAt, noLaterThan: writtenAt };
  } catch {
    return { writtenAt: 0, noLaterThan: since };
  }
}

/** Removes the refusal of a key, unless it is of an object that was written later. */
export async function clearRefusal(deps: RefusalDeps, key: string, writtenAt: number): Promise<void> {
  await refusals.change(deps, toVersionKey(toIdOfKey(key, deps)), (found) =>
    (found?.value.writtenAt ?? 0) > writtenAt ? {} : { write: "remove" },
  );
}

/** Lists all refusals, or those of one name, in key order. */
export async function listRefusals(deps: RecordsDeps, name?: string): Promise<readonly RefusalRecord[]> {
  const found = await refusals.listReadable(deps, name === undefined ? "" : `${name}/`);
  return found.filter((each) => name === undefined || each.name === name);
}

const WIDTH = 10;

/** Removes the refusals of objects that are no longer in the bucket, and returns the others. */
export async function endWithdrawn({
  records,
  clock,
  s3,
  config: { bucket },
}: Pick<DistributorContext, "records" | "clock" | "s3" | "config">): Promise<readonly RefusalRecord[]> {
  const left = await mapLimited(await listRefusals({ records, clock }), WIDTH, async (refusal) => {
    if ((await headUpload(s3, { bucket, key: refusal.key })) !== undefined) return [refusal];
    await refusals.remove({ records, clock }, toVersionKey(refusal));
    return [];
  });
  return left.flat();
}

/** Converts a refusal for API and command output. */
export function toRefusalView({ key, code, reason, at, retryUntil }: RefusalRecord): ArtifactRefusal {
  const until = retryUntil === null ? null : new Date(retryUntil).toISOString();
  return { key, code, reason, at: new Date(at).toISOString(), retryUntil: until };
}
