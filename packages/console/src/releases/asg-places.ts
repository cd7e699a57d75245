import type { Release, ReleasePlace } from "@stackyard/sdk/releases";

/** A project with a configuration in one account and region: what runs there, and what was done about it. */
export interface AsgPlace {
  /** Distinguishes it from all others. */
  readonly key: string;
  readonly of: Pick<Release, "account" | "region" | "project" | "config">;
  /** What the yard has recorded of it; undefined where it has no record, or none is loaded. */
  readonly record: ReleasePlace | undefined;
  /** Newest first. */
  readonly releases: readonly Release[];
}

/**
 * Returns places with the releases of each. Those with the newest releases are first, then those without any. Records that could
 * not be loaded are undefined.
 */
export function toAsgPlaces(
  records: readonly ReleasePlace[] | undefined,
  releases: readonly Release[],
): readonly AsgPlace[] {
  const byKey = Map.groupBy(releases, toKey);
  const recorded = new Map(records?.map((record) => [toKey(record), record]));
  const keys = [...new Set([...byKey.keys(), ...recorded.keys()])];
  return keys.flatMap((key) => {
    const record = recorded.get(key);
    const of = record ?? byKey.get(key)?.[0];
    return of === undefined ? [] : [{ key, of, record, releases: byKey.get(key) ?? [] }];
  });
}

function toKey({ account, region, project, config }: AsgPlace["of"]): string {
  return [account, region, project, config].join("/");
}
