import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, isStackyardError, type Records, StackyardError } from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { parseRefreshEvent, type RefreshWish } from "./events.ts";
import type { Announcer, PublishedArtifact } from "./fan-out.ts";
import { listRecords } from "./records.ts";
import { classifyKey, type KeyPrefixes, loadArtifact, toUploadName, type UploadName } from "./source-bucket.ts";
import { type ArtifactRecord, artifactRecordKey, findArtifactRecord, parseArtifactRecord } from "./versions.ts";

/** What became of a wish for a fresh URL. */
type RefreshOutcome =
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
interface RefresherOptions extends KeyPrefixes {
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

const HOUR_MS = 60 * 60_000;
/** To one consumer, of one file, in any hour. */
const MAX_REFRESHES = 5;
const MAX_TRIES = 20;

/** May this file be announced again to this consumer? Counts it where it may. Never more than five in an hour. */
async function takeRefresh(records: Records, clock: Clock, wish: RefreshWish): Promise<boolean> {
  const { account, region } = wish;
  const key = `refreshes/${account}/${region}/${createHash("sha256").update(wish.key).digest("hex")}`;
  let found = await records.get(key, clock.now());
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const now = clock.now();
    const recent = listTimes(found?.value).filter((at) => at > now - HOUR_MS);
    if (recent.length >= MAX_REFRESHES) return false;
    const value = { times: [...recent, now] };
    const put = await records.put({ key, value, expected: found?.version ?? "absent", expiresAt: now + HOUR_MS, now });
    if (put.kind === "written") return true;
    found = put.current;
  }
  throw new StackyardError("RECORD_CONFLICT", "Too many ask for the same file at a time. Try again.");
}

function listTimes(value: unknown): readonly number[] {
  const times: unknown = Object(value).times;
  return Array.isArray(times) ? times.filter((each) => typeof each === "number") : [];
}

/** A key has at most so many folders that are looked at. */
const MAX_SPLITS = 16;

/** The versions that a file of this key may be of: names have slashes, so the key alone does not say where its name ends. */
function listCandidates(key: string, prefixes: KeyPrefixes): readonly UploadName[] {
  if (classifyKey(key, prefixes) === "upload") return [toUploadName(key.slice(prefixes.uploadPrefix?.length))];
  if (!key.startsWith(prefixes.prefix)) return [];
  const segments = key.slice(prefixes.prefix.length).split("/");
  return segments
    .slice(1, -1)
    .flatMap((version, index) =>
      index < MAX_SPLITS ? [{ name: segments.slice(0, index + 1).join("/"), version }] : [],
    );
}
