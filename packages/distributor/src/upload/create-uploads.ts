import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, type Logger, type Records, silentLogger } from "@stackyard/core";
import { digestManifest, isManifestKey, type Manifest, toManifestText } from "@stackyard/sdk/artifacts";
import { artifactRecordKey, parseArtifactRecord } from "../publish/artifact-record.ts";
import { classifyKey, type KeyPrefixes } from "../publish/classify-key.ts";
import type { Publisher, PublishOutcome } from "../publish/create-publisher.ts";
import type { ObjectPlace } from "../publish/load-manifest.ts";
import { digestUpload } from "./digest-upload.ts";
import { type HeadedUpload, headUpload } from "./head-upload.ts";
import { putManifest } from "./put-manifest.ts";
import { type DigestedUpload, MAX_UPLOAD_BYTES, toUploadManifest } from "./to-upload-manifest.ts";
import { toOverwrittenVersion, toUploadName } from "./to-upload-name.ts";
import { createUploadWork, type UploadEntry, type UploadWork } from "./upload-work.ts";

/** What became of an upload. */
export type UploadOutcome =
  /** Its manifest is there; what became of that. */
  | { readonly kind: "manifested"; readonly outcome: PublishOutcome }
  /** The time was over: `resume` goes on. */
  | { readonly kind: "continues"; readonly doneParts: number }
  | { readonly kind: "running" }
  /** No upload of this bucket, or one that is gone or was replaced: the later one has its own event. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly code: "KEY_INVALID" | "TOO_LARGE" };

/** When the process ends, in epoch milliseconds. Default: never. */
export interface UploadTime {
  readonly deadlineAt?: number;
}

/** Makes artifacts of what others upload without a manifest. */
export interface Uploads {
  /** An object appeared; may be called as often as one likes. */
  onUpload(upload: ObjectPlace, time?: UploadTime): Promise<UploadOutcome>;
  /** Goes on with what others have begun. Gives how many uploads are finished, and how many could not be. */
  resume(time?: UploadTime): Promise<{ readonly finished: number; readonly failed: number; readonly left: number }>;
}

/** What it works with. */
export interface UploadsOptions extends KeyPrefixes {
  readonly s3: S3Client;
  readonly records: Records;
  readonly publisher: Pick<Publisher, "onManifest">;
  readonly bucket: string;
  readonly clock: Clock;
  /** Default: none. */
  readonly logger?: Logger;
}

/**
 * Digests uploads and writes their manifests. A file of more than 64 MiB is digested part by part, and over several processes
 * where one has not the time. Each file is an artifact of its own, announced as it comes; one that is uploaded again is a new
 * version of it, which is announced too.
 */
export function createUploads(options: UploadsOptions): Uploads {
  const { records, clock, logger = silentLogger } = options;
  const work = createUploadWork(records, clock);

  async function onUpload(upload: ObjectPlace, time: UploadTime = {}): Promise<UploadOutcome> {
    if (upload.bucket !== options.bucket || classifyKey(upload.key, options) !== "upload") return { kind: "ignored" };
    if (!isManifestKey(upload.key)) return refuse(logger, upload.key, "KEY_INVALID");
    const { deadlineAt = Number.POSITIVE_INFINITY } = time;
    const outcome = await work.hold(upload, (entry, save) => finish(options, { work, entry, save, deadlineAt }));
    return outcome ?? { kind: "running" };
  }

  async function resumeOne(upload: ObjectPlace, time: UploadTime): Promise<"finished" | "failed" | "left"> {
    try {
      const { kind } = await onUpload(upload, time);
      return kind === "continues" || kind === "running" ? "left" : "finished";
    } catch (error) {
      logger.error("An upload could not be published yet.", { key: upload.key, error });
      return "failed";
    }
  }

  return {
    onUpload,
    async resume(time = {}) {
      const counts = { finished: 0, failed: 0, left: 0 };
      const isOver = () => clock.now() >= (time.deadlineAt ?? Number.POSITIVE_INFINITY);
      let cursor: string | undefined;
      do {
        const page = await work.listFree(cursor);
        for (const upload of page.free) {
          counts[isOver() ? "left" : await resumeOne({ bucket: options.bucket, ...upload }, time)] += 1;
        }
        cursor = page.cursor;
      } while (cursor !== undefined && !isOver());
      return counts;
    },
  };
}

interface Turn {
  readonly work: UploadWork;
  readonly entry: UploadEntry;
  readonly save: Parameters<Parameters<UploadWork["hold"]>[1]>[1];
  readonly deadlineAt: number;
}

async function finish(options: UploadsOptions, { work, entry, save, deadlineAt }: Turn): Promise<UploadOutcome> {
  const { s3, bucket, clock, logger = silentLogger } = options;
  const place = { bucket, key: entry.key, ...(entry.versionId === null ? {} : { versionId: entry.versionId }) };
  const head = await headUpload(s3, place);
  if (head === undefined || head.size > MAX_UPLOAD_BYTES) {
    await work.remove(entry);
    return head === undefined ? { kind: "ignored" } : refuse(logger, entry.key, "TOO_LARGE");
  }
  const digested = await digestUpload({ s3, bucket, clock, deadlineAt, save }, entry, head);
  if (digested.kind === "running") return { kind: "running" };
  if (digested.kind === "continues") {
    await work.release(digested.entry);
    return { kind: "continues", doneParts: digested.entry.parts.length };
  }
  const outcome = digested.kind === "digested" ? await publish(options, place, { head, ...digested }) : undefined;
  await work.remove(digested.entry);
  return outcome === undefined ? { kind: "ignored" } : { kind: "manifested", outcome };
}

interface Digested {
  readonly head: HeadedUpload;
  readonly sha256: string;
  readonly parts?: readonly string[];
}

/** Undefined for an object that was replaced meanwhile. */
async function publish(
  options: UploadsOptions,
  place: ObjectPlace,
  { head, sha256, parts }: Digested,
): Promise<PublishOutcome | undefined> {
  const present = await headUpload(options.s3, place);
  if (present?.etag !== head.etag || present.versionId !== head.versionId) return undefined;
  const { size, versionId, contentType, modifiedAt } = head;
  const upload: DigestedUpload = {
    key: place.key,
    size,
    sha256,
    modifiedAt,
    ...(versionId === undefined ? {} : { versionId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(parts === undefined ? {} : { parts }),
  };
  const name = toUploadName(place.key.slice(options.uploadPrefix?.length));
  const again = {
    ...name,
    version: toOverwrittenVersion(name.version, versionId ?? `${head.etag} ${modifiedAt.getTime()}`),
  };
  const written =
    (await writeManifest(options, toUploadManifest(name, upload))) ??
    (await writeManifest(options, toUploadManifest(again, upload)));
  // Who wrote another manifest under that very name did not see this object.
  return written && options.publisher.onManifest(written);
}

/** Undefined where the name is taken, be it by a version whose manifest lies there no more. */
async function writeManifest(options: UploadsOptions, manifest: Manifest): Promise<ObjectPlace | undefined> {
  const { records, clock } = options;
  const known = await records.get(artifactRecordKey(manifest.name, manifest.version), clock.now());
  const sha256 = digestManifest(toManifestText(manifest));
  const isTaken = known !== undefined && parseArtifactRecord(known.value).manifestSha256 !== sha256;
  return isTaken ? undefined : putManifest(options, manifest);
}

function refuse(logger: Logger, key: string, code: "KEY_INVALID" | "TOO_LARGE"): UploadOutcome {
  logger.warn("An upload is not announced.", { key, code });
  return { kind: "refused", code };
}
