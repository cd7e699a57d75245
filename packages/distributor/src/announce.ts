import { randomUUID } from "node:crypto";
import { type BatchResultErrorEntry, PublishBatchCommand, type SNSClient } from "@aws-sdk/client-sns";
import { callAws } from "@stackyard/aws";
import { backoff, type Clock, defined, StackyardError } from "@stackyard/core";
import type { ConsumerPlace, ManifestFile } from "@stackyard/sdk/artifacts";
import {
  type AnnouncementTarget,
  type Announcer,
  createPace,
  type PlannedMessage,
  type PublishedArtifact,
  planFanOut,
} from "./fan-out.ts";
import type { SignedUrl, UrlSigner } from "./url-signer.ts";

/** Dependencies and options. */
export interface AnnouncerOptions {
  readonly sns: SNSClient;
  readonly signer: UrlSigner;
  readonly topicArn: string;
  readonly source: AnnouncementSource;
  /** `identity`: no URL when the file's version id is known; version 1 consumers fail on such messages. Default: `auto`. */
  readonly transfer?: "identity" | "presigned" | "auto";
  /** Wanted lifetime of URLs. Default: one hour. */
  readonly urlSeconds?: number;
  readonly clock: Clock;
  /** Returns the current W3C Trace Context. */
  readonly traceparent?: () => string | undefined;
}

const DEFAULT_URL_SECONDS = 3_600;

/** Creates an announcer over an Amazon SNS topic. URLs are signed right before their message is sent. Create one per process: it limits the rate. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { clock, signer, source, transfer = "auto", urlSeconds = DEFAULT_URL_SECONDS } = options;
  const pace = createPace(clock);

  function toBasis({ artifact, file, target }: PlannedMessage) {
    return {
      artifact,
      file,
      target,
      source,
      issuedAt: clock.now(),
      ...defined({ traceparent: options.traceparent?.() }),
    };
  }

  async function announceFile(message: PlannedMessage): Promise<Announcement> {
    const { file, artifact } = message;
    if (transfer === "identity" && file.versionId !== undefined) return toAnnouncement(toBasis(message));
    const url = await sign(file.key, file.versionId);
    if (file.parts === undefined) return toAnnouncement({ ...toBasis(message), url });
    const manifestUrl = await sign(artifact.manifestKey, artifact.manifestVersionId);
    return toAnnouncement({ ...toBasis(message), url, manifestUrl });
  }

  function sign(key: string, versionId: string | undefined): Promise<SignedUrl> {
    return signer.sign({ key, wantedSeconds: urlSeconds, ...(versionId && { versionId }) });
  }

  async function run(
    artifact: PublishedArtifact,
    target: AnnouncementTarget,
    keys: readonly string[] | undefined,
    toMessage: (message: PlannedMessage) => Promise<Announcement> | Announcement,
  ): Promise<number> {
    const count = keys?.length ?? artifact.manifest.files.length;
    const startAt = await pace.take(target, count);
    let sent = 0;
    const plan = planFanOut([{ artifact, ...(keys && { keys }) }], target === "ALL" ? "ALL" : [target]);
    for (const { afterMs, messages } of plan) {
      await clock.sleep(startAt + afterMs - clock.now());
      await publishBatch(options, await Promise.all(messages.map(toMessage)));
      sent += messages.length;
    }
    return sent;
  }

  return {
    announce: (artifact, target, keys) => run(artifact, target, keys, announceFile),
    announceRetirement: (artifact, target) =>
      run(artifact, target, undefined, (message) => toRetirement(toBasis(message))),
    async probe(target) {
      await pace.take(target, 1);
      const input = {
        target,
        distributionId: randomUUID(),
        issuedAt: clock.now(),
        ...defined({ traceparent: options.traceparent?.() }),
      };
      await publishBatch(options, [toProbe(input)]);
    },
  };
}

/** The source bucket, with its account and region. */
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
  /** Without a URL consumers read with their own role, which the predecessor cannot. */
  readonly url?: SignedUrl;
  /** URL of the manifest, for files whose parts have digests. */
  readonly manifestUrl?: SignedUrl;
  readonly issuedAt: number;
  /** W3C Trace Context of the publication. */
  readonly traceparent?: string;
}

/** A message for the topic. The body can contain a secret URL. */
export interface Announcement {
  readonly body: string;
  /** All of type String. Subscriptions filter by `account` and `region`; a message without either is not delivered. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Ten messages fit into an Amazon SNS batch (256 KiB, API reference "PublishBatch"); consumers accept 64 KiB. */
const MAX_BODY_BYTES = 24_576;

/** Creates the message of one file. Version 1 consumers can read it when it has a URL. */
export function toAnnouncement(input: AnnouncementInput): Announcement {
  const { url, manifestUrl } = input;
  if (url === undefined) return toMessage(input, {});
  const expiresAt = Math.min(url.expiresAt, manifestUrl?.expiresAt ?? url.expiresAt);
  return toMessage(input, { ArtifactUrl: url.url, urlExpiresAt: toIso(expiresAt) });
}

/** Creates the message that lets a consumer delete one file. It has no URL. */
export function toRetirement(input: Omit<AnnouncementInput, "url" | "manifestUrl">): Announcement {
  const { versionId = NO_VERSION, ...file } = input.file;
  return toMessage({ ...input, file: { ...file, versionId } }, { retire: true });
}

/** The version id that S3 uses in unversioned buckets. Consumers reject a message that has neither URL nor version id. */
const NO_VERSION = "null";

/** Creates a probe, which only checks that the consumer responds. It names no file. */
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
  const { size, sha256, contentType, headers, rewrite = "none" } = file;
  const body = {
    ArtifactKey: file.key,
    ...more,
    v: 2,
    distributionId: artifact.distributionId,
    sequence: artifact.sequence,
    issuedAt: toIso(issuedAt),
    artifact: { name, version, size, sha256, ...defined({ contentType, headers }), rewrite },
    source: { ...source, ...defined({ versionId: file.versionId }) },
    target: toPlace(target),
    manifest: { key: artifact.manifestKey, sha256: artifact.manifestSha256, ...defined({ url: manifestUrl?.url }) },
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
    const what = `A message about ${artifact} is larger than ${MAX_BODY_BYTES} bytes.`;
    throw new StackyardError("PAYLOAD_TOO_LARGE", what);
  }
  return { body, attributes: { ...toPlace(target), v: "2", artifact, ...(traceparent && { traceparent }) } };
}

function toPlace(target: AnnouncementTarget): ConsumerPlace {
  return target === "ALL" ? { account: "ALL", region: "ALL" } : { account: target.account, region: target.region };
}

function toIso(instant: number): string {
  return new Date(instant).toISOString();
}

const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 200;

/**
 * Sends up to ten messages in one call and retries rejected ones with exponential backoff. Throws errors of SNS,
 * `CONFIG_INVALID` for an invalid message, and `SERVER_ERROR` when some messages are still rejected after six attempts.
 */
async function publishBatch(deps: AnnouncerOptions, messages: readonly Announcement[]): Promise<void> {
  let left = messages;
  for (let tries = 1; left.length > 0; tries += 1) {
    const failed = await send(deps, left);
    const fault = failed.find(({ SenderFault }) => SenderFault === true);
    if (fault !== undefined) throw refused(deps.topicArn, fault, "CONFIG_INVALID");
    if (failed[0] !== undefined && tries >= MAX_TRIES) throw refused(deps.topicArn, failed[0], "SERVER_ERROR");
    left = failed.flatMap(({ Id }) => left[Number(Id)] ?? []);
    if (left.length > 0) await deps.clock.sleep(backoff(tries, { first: FIRST_PAUSE_MS }));
  }
}

async function send(
  { sns, topicArn }: AnnouncerOptions,
  messages: readonly Announcement[],
): Promise<readonly BatchResultErrorEntry[]> {
  const entries = messages.map(({ body, attributes }, index) => ({
    Id: String(index),
    Message: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { DataType: "String", StringValue: value }]),
    ),
  }));
  const command = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries });
  const policy = { what: `Messages could not be published to the topic ${topicArn}.` };
  return (await callAws(() => sns.send(command), policy)).Failed ?? [];
}

/** Reports only the code: other texts of SNS can repeat the message, which contains secrets. */
function refused(topicArn: string, { Code }: BatchResultErrorEntry, code: "CONFIG_INVALID" | "SERVER_ERROR") {
  return new StackyardError(code, `The topic ${topicArn} rejected a message: ${Code ?? "unknown reason"}.`);
}
