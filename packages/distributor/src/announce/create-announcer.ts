import { randomUUID } from "node:crypto";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { Clock } from "@stackyard/core";
import { createPace } from "../fan-out/pace.ts";
import { type PlannedMessage, planFanOut } from "../fan-out/plan-fan-out.ts";
import type { SignedUrl, UrlSigner } from "../urls/url-signer.ts";
import type { AnnouncementTarget, Announcer, PublishedArtifact } from "./announcer.ts";
import { publishBatch } from "./publish-batch.ts";
import {
  type Announcement,
  type AnnouncementSource,
  toAnnouncement,
  toProbe,
  toRetirement,
} from "./to-announcement.ts";

/** What it works with. */
export interface AnnouncerOptions {
  readonly sns: SNSClient;
  readonly signer: UrlSigner;
  readonly topicArn: string;
  readonly source: AnnouncementSource;
  /** `identity`: no URL where the file's version is known; consumers of the first version fail on such messages. Default: `auto`. */
  readonly transfer?: "identity" | "presigned" | "auto";
  /** How long URLs should be good. Default: an hour. */
  readonly urlSeconds?: number;
  readonly clock: Clock;
  /** W3C Trace Context of the present work. */
  readonly traceparent?: () => string | undefined;
}

const DEFAULT_URL_SECONDS = 3_600;

/** Announces through a topic of Amazon SNS. URLs are made as late as their message. Make one per process: it keeps the pace. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { clock, signer, source, transfer = "auto", urlSeconds = DEFAULT_URL_SECONDS } = options;
  const pace = createPace(clock);

  function toBasis({ artifact, file, target }: PlannedMessage) {
    return { artifact, file, target, source, issuedAt: clock.now(), ...findTrace(options) };
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
      const input = { target, distributionId: randomUUID(), issuedAt: clock.now(), ...findTrace(options) };
      await publishBatch(options, [toProbe(input)]);
    },
  };
}

function findTrace({ traceparent }: AnnouncerOptions): { readonly traceparent?: string } {
  const found = traceparent?.();
  return found === undefined ? {} : { traceparent: found };
}
