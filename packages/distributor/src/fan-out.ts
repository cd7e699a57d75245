import type { Clock } from "@stackyard/core";
import type { ConsumerPlace, Manifest, ManifestFile } from "@stackyard/sdk/artifacts";

/** A published version, with what announcements need to know of it. */
export interface PublishedArtifact {
  /** With the id of each file's version, where the bucket keeps versions. */
  readonly manifest: Manifest;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly manifestVersionId?: string;
  /** Grows with each publication in the yard; the same in every announcement of this version. */
  readonly sequence: number;
  /** Of the publication; the same in every announcement of this version. */
  readonly distributionId: string;
}

/** Who an announcement is for: everybody, or one consumer. */
export type AnnouncementTarget = ConsumerPlace | "ALL";

/**
 * Sends announcements of files through the topic, at most 20 a second to a consumer. Repeating a call repeats messages, which is
 * harmless. A call that throws may have sent some.
 */
export interface Announcer {
  /** A message per key, each with a URL of its own; `keys`: of the manifest's files. Default: all. Gives how many were sent. */
  announce(artifact: PublishedArtifact, target: AnnouncementTarget, keys?: readonly string[]): Promise<number>;
  /** Tells a consumer that agreed to it (`retire` among its capabilities) to delete a version's files. Gives how many messages. */
  announceRetirement(artifact: PublishedArtifact, target: ConsumerPlace): Promise<number>;
  /** Asks whether somebody listens there. */
  probe(target: ConsumerPlace): Promise<void>;
}

/** What is announced: a version, or some of its files. */
export interface FanOutItem {
  readonly artifact: PublishedArtifact;
  /** Of the manifest's files. Default: all. */
  readonly keys?: readonly string[];
}

/** How fast. */
export interface FanOutOptions {
  /** To one consumer. Default: 20. */
  readonly perConsumerPerSecond?: number;
  /** Through the topic. Default: 200, below the smallest quota of a region (Amazon SNS quotas, "Publish API": 300). */
  readonly perSecond?: number;
}

/** One file for one target. */
export interface PlannedMessage {
  readonly artifact: PublishedArtifact;
  readonly file: ManifestFile;
  readonly target: AnnouncementTarget;
}

/** What goes out in one call, and not sooner than so long after the beginning. */
export interface PlannedBatch {
  readonly afterMs: number;
  readonly messages: readonly PlannedMessage[];
}

const DEFAULTS = { perConsumerPerSecond: 20, perSecond: 200 } as const;
/** Amazon SNS API reference, "PublishBatch": ten entries. A message is small enough that ten of the largest fit. */
const MAX_ENTRIES = 10;

/**
 * Which message goes to whom, and when: one to everybody for a new version, one for each consumer where they are named. File by
 * file, so that nobody waits for another's set. Made as it is taken: nothing is held but the present batch.
 */
export function* planFanOut(
  items: Iterable<FanOutItem>,
  consumers: "ALL" | readonly ConsumerPlace[],
  options: FanOutOptions = {},
): Generator<PlannedBatch, void, undefined> {
  const { perConsumerPerSecond, perSecond } = { ...DEFAULTS, ...options };
  const targets: readonly AnnouncementTarget[] = consumers === "ALL" ? ["ALL"] : consumers;
  // A consumer has its next file when each of the others has had its own.
  const roundMs = Math.max(1_000 / perConsumerPerSecond, (targets.length * 1_000) / perSecond);
  let [round, messages, afterMs]: [number, PlannedMessage[], number] = [0, [], 0];
  for (const { artifact, file } of listFiles(items)) {
    for (const [index, target] of targets.entries()) {
      if (messages.length === 0) afterMs = round * roundMs + (index * 1_000) / perSecond;
      messages.push({ artifact, file, target });
      if (messages.length < MAX_ENTRIES) continue;
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

/** Keeps the calls of one process from adding up to more than a consumer should have. */
interface Pace {
  /** Takes the time that so many messages to the target need; resolves when it begins, and gives that instant. */
  take(target: AnnouncementTarget, messages: number): Promise<number>;
}

/** A new one. What goes to everybody counts for each. */
export function createPace(clock: Clock, perSecond = 20): Pace {
  const freeAt = new Map<string, number>();

  function findFree(target: AnnouncementTarget): number {
    const now = clock.now();
    for (const [key, at] of freeAt) if (at <= now) freeAt.delete(key);
    if (target === "ALL") return [...freeAt.values()].reduce((latest, at) => Math.max(latest, at), now);
    return Math.max(now, freeAt.get("ALL") ?? now, freeAt.get(toKey(target)) ?? now);
  }

  return {
    async take(target, messages) {
      const startAt = findFree(target);
      freeAt.set(toKey(target), startAt + (messages * 1_000) / perSecond);
      await clock.sleep(startAt - clock.now());
      return startAt;
    },
  };
}

function toKey(target: AnnouncementTarget): string {
  return target === "ALL" ? "ALL" : `${target.account}/${target.region}`;
}
