import { StackyardError } from "@stackyard/core";
import type { ManifestFile } from "@stackyard/sdk/artifacts";
import type { SignedUrl } from "../urls/url-signer.ts";
import type { AnnouncementTarget, PublishedArtifact } from "./announcer.ts";

/** The bucket that files are announced from, and whose it is. */
export interface AnnouncementSource {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
}

/** One file for one target. `issuedAt`: epoch milliseconds. */
export interface AnnouncementInput {
  readonly artifact: PublishedArtifact;
  readonly file: ManifestFile;
  readonly target: AnnouncementTarget;
  readonly source: AnnouncementSource;
  /** Without it consumers read by their own identity, which the predecessor's cannot. */
  readonly url?: SignedUrl;
  /** Of the manifest, for files whose parts have digests there. */
  readonly manifestUrl?: SignedUrl;
  readonly issuedAt: number;
  /** W3C Trace Context of the publication. */
  readonly traceparent?: string;
}

/** A message of the topic. The body may carry a secret URL. */
export interface Announcement {
  readonly body: string;
  /** All of type String. Subscriptions filter by `account` and `region`: without one of the two nothing is delivered. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Ten of them fit into one batch of Amazon SNS (256 KiB, API reference "PublishBatch"), and consumers read 64 KiB. */
const MAX_BODY_BYTES = 24_576;

/** The message of one file, which consumers of the first version read too as long as it has a URL. */
export function toAnnouncement(input: AnnouncementInput): Announcement {
  const { url, manifestUrl } = input;
  if (url === undefined) return toMessage(input, {});
  const expiresAt = Math.min(url.expiresAt, manifestUrl?.expiresAt ?? url.expiresAt);
  return toMessage(input, { ArtifactUrl: url.url, urlExpiresAt: toIso(expiresAt) });
}

/** The message that lets a consumer delete one file. It has no URL. */
export function toRetirement(input: Omit<AnnouncementInput, "url" | "manifestUrl">): Announcement {
  const { versionId = NO_VERSION, ...file } = input.file;
  return toMessage({ ...input, file: { ...file, versionId } }, { retire: true });
}

/** What Amazon S3 calls the version of an object in a bucket without versions; consumers read no message without URL and version. */
const NO_VERSION = "null";

/** The message that only asks whether somebody listens. It names no file. */
export function toProbe(
  input: Pick<AnnouncementInput, "target" | "issuedAt" | "traceparent"> & { readonly distributionId: string },
): Announcement {
  const { target, issuedAt, distributionId } = input;
  const head = { v: 2, distributionId, issuedAt: toIso(issuedAt) };
  return pack({ ...head, artifact: { name: PROBE_NAME }, target: toPlace(target) }, input, PROBE_NAME);
}

const PROBE_NAME = "stackyard.probe";

function toMessage(input: AnnouncementInput, more: Readonly<Record<string, unknown>>): Announcement {
  const { artifact, file, target, source, manifestUrl, issuedAt } = input;
  const { name, version } = artifact.manifest;
  const { size, sha256, contentType, rewrite = "none" } = file;
  const body = {
    ArtifactKey: file.key,
    ...more,
    v: 2,
    distributionId: artifact.distributionId,
    sequence: artifact.sequence,
    issuedAt: toIso(issuedAt),
    artifact: { name, version, size, sha256, ...(contentType === undefined ? {} : { contentType }), rewrite },
    source: { ...source, ...(file.versionId === undefined ? {} : { versionId: file.versionId }) },
    target: toPlace(target),
    manifest: {
      key: artifact.manifestKey,
      sha256: artifact.manifestSha256,
      ...(manifestUrl === undefined ? {} : { url: manifestUrl.url }),
    },
  };
  return pack(body, input, `${name}@${version}`);
}

function pack(
  message: object,
  { target, traceparent }: Pick<AnnouncementInput, "target" | "traceparent">,
  artifact: string,
): Announcement {
  const body = JSON.stringify(message);
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) {
    throw new StackyardError("PAYLOAD_TOO_LARGE", `A message of ${artifact} is larger than ${MAX_BODY_BYTES} bytes.`);
  }
  return { body, attributes: { ...toPlace(target), v: "2", artifact, ...(traceparent && { traceparent }) } };
}

function toPlace(target: AnnouncementTarget): { readonly account: string; readonly region: string } {
  return target === "ALL" ? { account: "ALL", region: "ALL" } : { account: target.account, region: target.region };
}

function toIso(instant: number): string {
  return new Date(instant).toISOString();
}
