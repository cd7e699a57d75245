import type { ConsumerPlace, ManifestFile } from "@stackyard/sdk/artifacts";
import type { AnnouncementTarget, PublishedArtifact } from "../announce/announcer.ts";

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
