import { type Logger, StackyardError, silentLogger } from "@stackyard/core";
import type { Announcer, PublishedArtifact } from "../announce/announcer.ts";
import type { ArtifactRecord } from "./artifact-record.ts";
import { changeArtifact } from "./change-artifact.ts";
import { classifyKey } from "./classify-key.ts";
import type { ObjectPlace } from "./load-manifest.ts";
import { toPublished } from "./load-published.ts";
import { createOutbox, type Outbox, type OutboxEntry } from "./outbox.ts";
import { type RegisterDeps, registerVersion, type VersionFault } from "./register-version.ts";

/** A manifest that is not announced, and why. */
export interface Refusal extends VersionFault {
  readonly key: string;
  readonly versionId: string | null;
}

/** What became of a manifest. */
export type PublishOutcome =
  | { readonly kind: "published"; readonly artifact: PublishedArtifact; readonly messages: number }
  /** It was announced before. */
  | { readonly kind: "known"; readonly artifact: PublishedArtifact }
  /** Somebody else is at it, or was until it died: the outbox finishes it. */
  | { readonly kind: "running" }
  /** Of an upload, of which a later one has taken the place before it was announced. */
  | { readonly kind: "replaced" }
  /** No manifest of this bucket. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What was found in the outbox: finished, failed, and left to somebody else or to the next time. */
export interface DrainedOutbox {
  readonly finished: number;
  readonly failed: number;
  readonly left: number;
}

/** Publishes what appears in the source bucket. */
export interface Publisher {
  /** A manifest appeared; may be called as often as one likes. */
  onManifest(manifest: ObjectPlace): Promise<PublishOutcome>;
  /**
   * Finishes what others have begun. Default limit: 50; what fails does not count, or those behind it would wait for ever. `deadlineAt`: epoch
   * milliseconds; nothing is begun afterwards.
   */
  drainOutbox(options?: { readonly limit?: number; readonly deadlineAt?: number }): Promise<DrainedOutbox>;
}

/** What it works with. */
export interface PublisherOptions extends RegisterDeps {
  readonly announcer: Pick<Announcer, "announce">;
  readonly bucket: string;
  /** Called once at least for each version, before anybody is told of it: who answers at once must be expected already. */
  readonly onPublished?: (artifact: PublishedArtifact) => Promise<void>;
  /** Called once at least for each manifest that is not announced. */
  readonly onRefused?: (refusal: Refusal) => Promise<void>;
  /** Default: none. */
  readonly logger?: Logger;
}

/** Announced in one go: progress is kept between. */
const CHUNK = 100;
const DEFAULT_LIMIT = 50;
const REFUSED_MS = 30 * 24 * 60 * 60_000;

/**
 * Publishes a version when its manifest appears: its record, then the announcements to everybody, then it is done. Whoever dies on
 * the way, the outbox brings it to its end: every version is announced once at least, with one sequence and one id.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { bucket, clock, records, logger = silentLogger } = options;
  checkPrefixes(options);
  const outbox = createOutbox(records, clock);

  async function onManifest(manifest: ObjectPlace): Promise<PublishOutcome> {
    if (manifest.bucket !== bucket || classifyKey(manifest.key, options) !== "manifest") return { kind: "ignored" };
    const outcome = await outbox.hold(manifest, (entry, save) => finish(options, { outbox, entry, save }));
    return outcome ?? { kind: "running" };
  }

  async function drainOne(place: ObjectPlace): Promise<keyof DrainedOutbox> {
    try {
      return (await onManifest(place)).kind === "running" ? "left" : "finished";
    } catch (error) {
      logger.error("A version could not be published yet.", { key: place.key, error });
      return "failed";
    }
  }

  return {
    onManifest,
    async drainOutbox({ limit = DEFAULT_LIMIT, deadlineAt = Number.POSITIVE_INFINITY } = {}) {
      const counts = { finished: 0, failed: 0, left: 0 };
      const isOver = () => counts.finished >= limit || clock.now() >= deadlineAt;
      let cursor: string | undefined;
      do {
        const page = await outbox.listFree(cursor);
        counts.left += page.busy;
        for (const each of page.free) counts[isOver() ? "left" : await drainOne({ bucket, ...each })] += 1;
        cursor = page.cursor;
      } while (cursor !== undefined && !isOver());
      return counts;
    },
  };
}

function checkPrefixes({ prefix, uploadPrefix }: PublisherOptions): void {
  if (prefix !== uploadPrefix) return;
  throw new StackyardError(
    "CONFIG_INVALID",
    "Uploads need another prefix than artifacts, or none of them is told apart.",
  );
}

interface Turn {
  readonly outbox: Outbox;
  readonly entry: OutboxEntry;
  readonly save: Parameters<Parameters<Outbox["hold"]>[1]>[1];
}

async function finish(options: PublisherOptions, { outbox, entry, save }: Turn): Promise<PublishOutcome> {
  const { key, versionId } = entry;
  const place = { bucket: options.bucket, key, ...(versionId === null ? {} : { versionId }) };
  const registered = await registerVersion(options, place);
  if (registered.kind === "replaced") {
    await outbox.remove(entry);
    return registered;
  }
  if (registered.kind === "refused") {
    const { kind: _, ...fault } = registered;
    const refusal = { key, versionId, ...fault };
    await refuse(options, entry, refusal);
    await outbox.remove(entry);
    return { kind: "refused", refusal };
  }
  const artifact = toPublished(registered.record, registered.manifest);
  const isDone = registered.record.announcedAt !== null || registered.record.retiredAt !== null;
  if (!isDone) await options.onPublished?.(artifact);
  const ended = isDone ? entry : await announceAll(options, save, { entry, artifact });
  if (ended === undefined) return { kind: "running" };
  if (!isDone) await markAnnounced(options, registered.record);
  await outbox.remove(ended);
  return isDone ? { kind: "known", artifact } : { kind: "published", artifact, messages: ended.announced };
}

/** Undefined when somebody else has taken it over. */
async function announceAll(
  { announcer }: PublisherOptions,
  save: Turn["save"],
  { entry, artifact }: { readonly entry: OutboxEntry; readonly artifact: PublishedArtifact },
): Promise<OutboxEntry | undefined> {
  const keys = artifact.manifest.files.map(({ key }) => key);
  let current: OutboxEntry | undefined = entry;
  while (current !== undefined && current.announced < keys.length) {
    const until: number = Math.min(keys.length, current.announced + CHUNK);
    await announcer.announce(artifact, "ALL", keys.slice(current.announced, until));
    current = await save(current, { announced: until });
  }
  return current;
}

async function markAnnounced(options: PublisherOptions, announced: ArtifactRecord): Promise<void> {
  const announcedAt = new Date(options.clock.now()).toISOString();
  await changeArtifact(options, announced, (record) => ({ ...record, announcedAt: record.announcedAt ?? announcedAt }));
}

async function refuse(options: PublisherOptions, entry: OutboxEntry, refusal: Refusal): Promise<void> {
  const { records, clock, logger = silentLogger } = options;
  const now = clock.now();
  logger.warn("A manifest is not announced.", { key: refusal.key, code: refusal.code, reason: refusal.reason });
  const key = entry.recordKey.replace(/^outbox/, "refused");
  const value = { ...refusal, at: new Date(now).toISOString() };
  // Where it was refused before, its record stands.
  await records.put({ key, value, expected: "absent", expiresAt: now + REFUSED_MS, now });
  await options.onRefused?.(refusal);
}
