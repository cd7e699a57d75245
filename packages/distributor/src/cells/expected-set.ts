/** A version, as far as it is asked whether somebody should have it. */
export interface PublishedVersion {
  readonly name: string;
  readonly version: string;
  /** Grows with each publication, in the order of its events. */
  readonly sequence: number;
  /** When it was written, in epoch milliseconds. Where that is not known, or the same, the sequence tells. */
  readonly writtenAt?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly retired: boolean;
}

/** Which artifacts a consumer should have. Empty lists: all. */
export interface Subscription {
  /** Values of the label `channel`; a version without it is in the channel "". */
  readonly channels: readonly string[];
  /** Labels that a version must have. */
  readonly labels: Readonly<Record<string, string>>;
}

const CHANNEL = "channel";

/** What a consumer has said of it in its capabilities: `channel:beta`, `label:team=billing`. */
export function toSubscription(capabilities: readonly string[]): Subscription {
  const after = (prefix: string) =>
    capabilities.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
  const labels = after("label:").flatMap((each) => {
    const at = each.indexOf("=");
    return at < 1 ? [] : [[each.slice(0, at), each.slice(at + 1)] as const];
  });
  return { channels: after("channel:"), labels: Object.fromEntries(labels) };
}

/** Of each name and channel the version that was written last, retired ones left out. In the order of the input. */
export function findCurrent<Version extends PublishedVersion>(versions: readonly Version[]): readonly Version[] {
  const last = new Map<string, Version>();
  for (const version of versions) {
    const line = JSON.stringify([version.name, version.labels[CHANNEL] ?? ""]);
    const known = last.get(line);
    if (!version.retired && (known === undefined || isLater(version, known))) last.set(line, version);
  }
  const current = new Set(last.values());
  return versions.filter((version) => current.has(version));
}

/** Events come in any order, and numbers are given when they come. */
function isLater(one: PublishedVersion, other: PublishedVersion): boolean {
  const afterMs = (one.writtenAt ?? 0) - (other.writtenAt ?? 0);
  return afterMs === 0 ? one.sequence > other.sequence : afterMs > 0;
}

/** Does the subscription cover the version? */
export function isSubscribed({ channels, labels }: Subscription, version: PublishedVersion): boolean {
  if (channels.length > 0 && !channels.includes(version.labels[CHANNEL] ?? "")) return false;
  return Object.entries(labels).every(([key, value]) => version.labels[key] === value);
}

/** What a consumer should have: the current versions that it has subscribed to. */
export function expectedSet<Version extends PublishedVersion>(
  versions: readonly Version[],
  subscription: Subscription,
): readonly Version[] {
  return findCurrent(versions).filter((version) => isSubscribed(subscription, version));
}
