import { hash } from "node:crypto";

import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { classifyKey, type KeyPrefixes, toUploadName } from "./artifact-keys.ts";
import type { DistributorContext } from "./context.ts";
import { parseRefreshEvent, type RefreshWish } from "./events.ts";
import type { Announcer } from "./fan-out.ts";
import { loadArtifact, unlessCorrupt } from "./published-versions.ts";
import { evaluateTrust } from "./trust.ts";
import { type ArtifactRecord, artifacts, toVersionKey, type VersionId } from "./versions.ts";

/** The outcome of a refresh request. */
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

/** Dependencies and options. */
interface RefreshOptions extends KeyPrefixes, Pick<DistributorContext, "s3" | "records" | "clock" | "trust"> {
  readonly announcer: Pick<Announcer, "announce">;
  readonly bucket: string;
}

/**
 * Handles an event of a consumer whose URL has expired. Announces the file again, only to the requesting consumer in the account
 * that EventBridge set. At most five times per consumer, file and hour, including failed announcements.
 */
export async function onRefresh(options: RefreshOptions, event: unknown): Promise<RefreshOutcome> {
  const wish = parseRefreshEvent(event);
  if (typeof wish === "string") return drop(wish);
  const { account, region, key } = wish;
  const verdict = evaluateTrust(account, options.trust, "stamped");
  if (verdict.kind === "rejected") return drop(verdict.code);
  for (const record of await findRecords(options, wish)) {
    // Retention can have removed the version.
    const artifact = await unlessCorrupt(loadArtifact(options, record));
    if (artifact?.manifest.files.some((file) => file.key === key) !== true) continue;
    if (record.retiredAt !== null) return drop("ARTIFACT_RETIRED");
    if (!(await takeRefresh(options, wish))) return drop("REFRESH_LIMIT");
    await options.announcer.announce(artifact, { account, region }, [key]);
    return { kind: "announced", name: record.name, version: record.version };
  }
  return drop("ARTIFACT_UNKNOWN");
}

async function findRecords(options: RefreshOptions, wish: RefreshWish): Promise<readonly ArtifactRecord[]> {
  const { name, version } = wish;
  const isNamed = name !== undefined && version !== undefined;
  const named = isNamed ? [{ name, version }] : listCandidates(wish.key, options);
  // An invalid name or version cannot be a record key.
  const possible = named.filter((each) => NAME.test(each.name) && VERSION.test(each.version));
  const found = await Promise.all(possible.map((each) => artifacts.find(options, toVersionKey(each))));
  const standing = found.filter((each) => each !== undefined);
  return isNamed ? standing : [...(await findUploads(options, wish.key, possible)), ...standing];
}

/** Lists all uploads of the key, the newest first: consumers never return to an older one. */
async function findUploads(
  options: RefreshOptions,
  key: string,
  named: readonly VersionId[],
): Promise<readonly ArtifactRecord[]> {
  if (classifyKey(key, options) !== "upload") return [];
  const found = await Promise.all(named.map(({ name }) => artifacts.listReadable(options, `${name}/`)));
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
/** Per consumer, file and hour. */
const MAX_REFRESHES = 5;

const refreshes = defineRecordKind({
  prefix: "refreshes/",
  value: Type.Object({ times: Type.Array(Type.Number()) }),
  holds: "how often a consumer has requested a file again",
  kept: "an hour",
  damaged: "missing",
  conflict: () => "Too many processes request the same file at once. Try again.",
});

/** Counts a refresh. Returns false when the consumer already had five of this file within an hour. */
async function takeRefresh(deps: RecordsDeps, { account, region, key }: RefreshWish): Promise<boolean> {
  const { write } = await refreshes.change(deps, `${account}/${region}/${hash("sha256", key)}`, (found, now) => {
    const recent = (found?.value.times ?? []).filter((at) => at > now - HOUR_MS);
    if (recent.length >= MAX_REFRESHES) return {};
    return { write: { value: { times: [...recent, now] }, expiresAt: now + HOUR_MS } };
  });
  return write !== undefined;
}

/** Maximum number of folders of a key that are tried. */
const MAX_SPLITS = 16;

/** Lists the versions that can contain a key: names can have slashes, so the key does not show where the name ends. */
function listCandidates(key: string, prefixes: KeyPrefixes): readonly VersionId[] {
  if (classifyKey(key, prefixes) === "upload") return [toUploadName(key.slice(prefixes.uploadPrefix?.length))];
  if (!key.startsWith(prefixes.prefix)) return [];
  const segments = key.slice(prefixes.prefix.length).split("/");
  return segments
    .slice(1, -1)
    .flatMap((version, index) =>
      index < MAX_SPLITS ? [{ name: segments.slice(0, index + 1).join("/"), version }] : [],
    );
}
