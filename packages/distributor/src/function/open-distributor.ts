import { createAnnouncer } from "../announce/create-announcer.ts";
import { onPublished } from "../cells/on-published.ts";
import type { ArtifactRecord } from "../publish/artifact-record.ts";
import { classifyKey } from "../publish/classify-key.ts";
import { createPublisher } from "../publish/create-publisher.ts";
import { loadArtifact, loadPublished } from "../publish/load-published.ts";
import { createRefresher, type Refresher } from "../refresh/create-refresher.ts";
import { judgeTrust, type TrustConfig } from "../trust/judge-trust.ts";
import { createUploads } from "../upload/create-uploads.ts";
import { createUrlSigner } from "../urls/url-signer.ts";
import type { DistributorContext, Turn } from "./distributor-context.ts";
import type { DistributorOptions } from "./distributor-options.ts";
import type { WrittenObject } from "./parse-event.ts";
import { rememberPublished } from "./remember-published.ts";

/** The parts of a distributor, put together. */
export interface OpenDistributor {
  readonly context: DistributorContext;
  readonly refresher: Refresher;
  /** A manifest becomes a publication, a file of somebody else an upload. */
  takeObject(object: WrittenObject, turn: Turn): Promise<unknown>;
  /** Goes on with publications and uploads that a process has left behind. */
  resume(turn: Turn): Promise<void>;
}

type Options = DistributorOptions & Required<Pick<DistributorOptions, "random" | "logger" | "write">>;

/** Puts the parts together. */
export function openDistributor(options: Options): OpenDistributor {
  const { config, s3, records, clock, logger } = options;
  const trust = toTrust(options);
  const context = { ...options, trust, announcer: openAnnouncer(options), loadPublished: load };
  const { bucket, prefix, uploadPrefix } = config;
  const places = { bucket, prefix, ...(uploadPrefix === undefined ? {} : { uploadPrefix }) };

  const loadOnce = rememberPublished((record: ArtifactRecord) => loadArtifact({ s3, bucket }, record));

  function load(name: string, version: string) {
    return loadPublished({ records, clock, load: loadOnce }, name, version);
  }

  const publisher = createPublisher({
    ...context,
    ...places,
    onPublished: (artifact) => onPublished(context, artifact),
  });
  const uploads = createUploads({ s3, records, publisher, clock, logger, ...places });
  const isTrusted = (account: string) => judgeTrust(account, trust, "stamped").kind === "trusted";
  return {
    context,
    refresher: createRefresher({ ...context, ...places, isTrusted }),
    async takeObject(object, turn) {
      const kind = classifyKey(object.key, places);
      if (kind === "manifest") return publisher.onManifest(object);
      return kind === "upload" ? uploads.onUpload(object, turn) : { kind: "ignored" };
    },
    async resume(turn) {
      await publisher.drainOutbox(turn);
      await uploads.resume(turn);
    },
  };
}

function openAnnouncer({ config, sns, clock, credentials, traceparent }: Options) {
  const { account, region, bucket, topicArn, transfer, urlSeconds, pathStyleUrls: pathStyle = false } = config;
  return createAnnouncer({
    sns,
    topicArn,
    clock,
    source: { account, region, bucket },
    signer: createUrlSigner({ bucket, region, pathStyle, credentials, clock }),
    ...(transfer === undefined ? {} : { transfer }),
    ...(urlSeconds === undefined ? {} : { urlSeconds }),
    ...(traceparent === undefined ? {} : { traceparent }),
  });
}

function toTrust({ config: { trustedAccounts: accounts, organizationId } }: Options): TrustConfig {
  return organizationId === undefined ? { accounts } : { accounts, organizationId };
}
