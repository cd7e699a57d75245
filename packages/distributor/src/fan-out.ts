import { type Clock, MAX_BATCH_ENTRIES } from "@stackyard/core";
import type { ConsumerPlace, Manifest, ManifestFile } from "@stackyard/sdk/artifacts";
import { toPlaceKey } from "./cell.ts";

/** A published version, with the facts that announcements need. */
export interface PublishedArtifact {
  /** In a versioned bucket, each file has its version id. */
  readonly manifest: Manifest;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly manifestVersionId?: string;
  /** Increases with each publication of the distributor; the same in every announcement of this version. */
  readonly sequence: number;
  /** Identifies the publication; the same in every announcement of this version. */
  readonly distributionId: string;
}

/** The receiver of an announcement: all consumers, or one. */
export type AnnouncementTarget = ConsumerPlace | "ALL";

/**
 * Sends announcements of files to the topic, at most 20 per second and consumer. Repeated messages are harmless. A call that
 * throws can have sent some.
 */
export interface Announcer {
  /** Sends one message per file, each with its own URL. `keys`: keys of files to announce; default: all. Returns the number of messages. */
  announce(artifact: PublishedArtifact, target: AnnouncementTarget, keys?: readonly string[]): Promise<number>;
  /** Requests the deletion of a version's files from a consumer with the capability `retire`. Returns the number of messages. */
  announceRetirement(artifact: PublishedArtifact, target: ConsumerPlace): Promise<number>;
  /** Checks that the consumer responds. */
  probe(target: ConsumerPlace): Promise<void>;
}

/** A version to announce, or some of its files. */
export interface FanOutItem {
  readonly artifact: PublishedArtifact;
  /** Keys of the files to announce. Default: all. */
  readonly keys?: readonly string[];
}

/** Rate limits. */
export interface FanOutOptions {
  /** Messages per second to one consumer. Default: 20. */
  readonly perConsumerPerSecond?: number;
  /** Messages per second to the topic. Default: 200, below the smallest quota of a region (Amazon SNS quotas, "Publish API": 300). */
  readonly perSecond?: number;
}

/** One file for one target. */
export interface PlannedMessage {
  readonly artifact: PublishedArtifact;
  readonly file: ManifestFile;
  readonly target: AnnouncementTarget;
}

/** The messages of one call, and the delay from the start. */
export interface PlannedBatch {
  readonly afterMs: number;
  readonly messages: readonly PlannedMessage[];
}

const DEFAULTS = { perConsumerPerSecond: 20, perSecond: 200 } as const;

/**
 * Plans which message is sent to which target, and when: one message to all for a new version, or one per named consumer. Files
 * are interleaved, so that no consumer waits for another's set. Lazy: only the current batch is in memory.
 */
export function* planFanOut(
  items: Iterable<FanOutItem>,
  consumers: "ALL" | readonly ConsumerPlace[],
  options: FanOutOptions = {},
): Generator<PlannedBatch, void, undefined> {
  const { perConsumerPerSecond, perSecond } = { ...DEFAULTS, ...options };
  const targets: readonly AnnouncementTarget[] = consumers === "ALL" ? ["ALL"] : consumers;
  // Each consumer gets its next file after all others got theirs.
  const roundMs = Math.max(1_000 / perConsumerPerSecond, (targets.length * 1_000) / perSecond);
  let [round, messages, afterMs]: [number, PlannedMessage[], number] = [0, [], 0];
  for (const { artifact, file } of listFiles(items)) {
    for (const [index, target] of targets.entries()) {
      if (messages.length === 0) afterMs = round * roundMs + (index * 1_000) / perSecond;
      messages.push({ artifact, file, target });
      // Ten messages of maximum size fit into a batch.
      if (messages.length < MAX_BATCH_ENTRIES) continue;
      yield { afterMs: Math.ceil(afterMs), messages };
      messages = [];
    }
    round += 1;
  }
  if (messages.length > 0) yield { afterMs: Math.ceil(afterMs), messages };
}

function* listFiles(items: Iterable<FanOutItem>): Generator<Omit<PlannedMessage, "target">> {
  for (const { artifact, keys } of items) {
    const wanted = keys && new Set(keys);
    for (const file of artifact.manifest.files) {
      if (wanted === undefined || wanted.has(file.key)) yield { artifact, file };
    }
  }
}

/** Creates a rate limit of all calls of one process per consumer. Messages to all count for each consumer. */
export function createPace(clock: Clock, perSecond = 20) {
  const freeAt = new Map<string, number>();

  function findFree(target: AnnouncementTarget): number {
    const now = clock.now();
    for (const [key, at] of freeAt) if (at <= now) freeAt.delete(key);
    if (target === "ALL") return [...freeAt.values()].reduce((latest, at) => Math.max(latest, at), now);
    return Math.max(now, freeAt.get("ALL") ?? now, freeAt.get(toKey(target)) ?? now);
  }

  return {
    /** Reserves the time for a number of messages. Resolves when it starts, with that instant. */
    async take(target: AnnouncementTarget, messages: number): Promise<number> {
      const startAt = findFree(target);
      freeAt.set(toKey(target), startAt + (messages * 1_000) / perSecond);
      await clock.sleep(startAt - clock.now());
      return startAt;
    },
  };
}

function toKey(target: AnnouncementTarget): string {
  return target === "ALL" ? "ALL" : toPlaceKey(target);
}
