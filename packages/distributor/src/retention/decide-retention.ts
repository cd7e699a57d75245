import { findCurrent, type PublishedVersion } from "../cells/expected-set.ts";

/** A version that lies at the source. */
export interface KeptVersion extends PublishedVersion {
  /** Epoch milliseconds. */
  readonly publishedAt: number;
  /** It has stood everywhere. */
  readonly covered: boolean;
}

/** What is asked. */
export interface RetentionInput<Version extends KeptVersion> {
  /** All versions that the source holds. */
  readonly versions: readonly Version[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** How long each version is kept at least. */
  readonly keepMs: number;
}

/**
 * Versions that the source need not keep: neither current nor young, and they have stood everywhere. A retired one is expected nowhere, so
 * it need not have.
 */
export function decideRetention<Version extends KeptVersion>(input: RetentionInput<Version>): readonly Version[] {
  const { versions, now, keepMs } = input;
  const current = new Set(findCurrent(versions));
  return versions.filter((version) => {
    const isYoung = version.publishedAt + keepMs > now;
    return !current.has(version) && !isYoung && (version.covered || version.retired);
  });
}
