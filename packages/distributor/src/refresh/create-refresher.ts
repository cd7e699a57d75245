import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, isStackyardError, type Records } from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import type { Announcer, PublishedArtifact } from "../announce/announcer.ts";
import { findArtifactRecord } from "../cells/versions.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "../publish/artifact-record.ts";
import { classifyKey, type KeyPrefixes } from "../publish/classify-key.ts";
import { loadArtifact } from "../publish/load-published.ts";
import { listRecords } from "../registry/list-records.ts";
import type { UploadName } from "../upload/to-upload-name.ts";
import { listCandidates } from "./list-candidates.ts";
import { parseRefreshEvent, type RefreshWish } from "./refresh-event.ts";
import { takeRefresh } from "./take-refresh.ts";

/** What became of a wish for a fresh URL. */
export type RefreshOutcome =
  | { readonly kind: "announced"; readonly name: string; readonly version: string }
  | {
      readonly kind: "dropped";
      readonly code:
        | "EVENT_INVALID"
        | "ACCOUNT_MISMATCH"
        | "ACCOUNT_NOT_TRUSTED"
        | "ARTIFACT_UNKNOWN"
        | "ARTIFACT_RETIRED"
        | "REFRESH_LIMIT";
    };

/** Answers consumers whose URLs ended before they were used. */
export interface Refresher {
  /** An event of the receipts bus. */
  onRefresh(event: unknown): Promise<RefreshOutcome>;
}

/** What it works with. */
export interface RefresherOptions extends KeyPrefixes {
  readonly s3: S3Client;
  readonly records: Records;
  readonly announcer: Pick<Announcer, "announce">;
  readonly bucket: string;
  readonly clock: Clock;
  /** May this account be told of artifacts? */
  readonly isTrusted: (account: string, region: string) => boolean | Promise<boolean>;
}

/**
 * Announces the file again to who asked, and to nobody else: the account that EventBridge stamped on the event. At most five times
 * for each consumer, file and hour, also where the announcement fails afterwards.
 */
export function createRefresher(options: RefresherOptions): Refresher {
  return {
    async onRefresh(event) {
      const wish = parseRefreshEvent(event);
      if (typeof wish === "string") return drop(wish);
      if (!(await options.isTrusted(wish.account, wish.region))) return drop("ACCOUNT_NOT_TRUSTED");
      return refresh(options, wish);
    },
  };
}

async function refresh(options: RefresherOptions, wish: RefreshWish): Promise<RefreshOutcome> {
  const { account, region, key } = wish;
  for (const record of await findRecords(options, wish)) {
    const artifact = await loadIfThere(options, record);
    if (artifact?.manifest.files.some((file) => file.key === key) !== true) continue;
    if (record.retiredAt !== null) return drop("ARTIFACT_RETIRED");
    if (!(await takeRefresh(options.records, options.clock, wish))) return drop("REFRESH_LIMIT");
    await options.announcer.announce(artifact, { account, region }, [key]);
    return { kind: "announced", name: record.name, version: record.version };
  }
  return drop("ARTIFACT_UNKNOWN");
}

/** What retention has taken away cannot be fetched by any URL. */
async function loadIfThere(options: RefresherOptions, record: ArtifactRecord): Promise<PublishedArtifact | undefined> {
  try {
    return await loadArtifact(options, record);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

async function findRecords(options: RefresherOptions, wish: RefreshWish): Promise<readonly ArtifactRecord[]> {
  const { records, clock } = options;
  const { name, version } = wish;
  const isNamed = name !== undefined && version !== undefined;
  const named = isNamed ? [{ name, version }] : listCandidates(wish.key, options);
  // What cannot be published cannot be a record's key either.
  const possible = named.filter((each) => NAME.test(each.name) && VERSION.test(each.version));
  const found = await Promise.all(
    possible.map((each) => records.get(artifactRecordKey(each.name, each.version), clock.now())),
  );
  const standing = found.flatMap((record) => (record === undefined ? [] : [parseArtifactRecord(record.value)]));
  return isNamed ? standing : [...(await findUploads(options, wish.key, possible)), ...standing];
}

/** All that was uploaded under the key, the newest first: no consumer goes back to an older one. */
async function findUploads(
  options: RefresherOptions,
  key: string,
  named: readonly UploadName[],
): Promise<readonly ArtifactRecord[]> {
  if (classifyKey(key, options) !== "upload") return [];
  const names = named.map(({ name }) => artifactRecordKey(name, ""));
  const found = await Promise.all(names.map((prefix) => listRecords(options, prefix, findArtifactRecord)));
  return found
    .flat()
    .filter(({ uploadKey }) => uploadKey === key)
    .sort((one, other) => other.sequence - one.sequence);
}

const NAME = new RegExp(ARTIFACT_NAME);
const VERSION = new RegExp(ARTIFACT_VERSION);

function drop(code: Extract<RefreshOutcome, { readonly kind: "dropped" }>["code"]): RefreshOutcome {
  return { kind: "dropped", code };
}
