import { isMap, listPages, type ServiceDeps, type ServiceUser, type StoredRecord } from "@stackyard/core";
import type { MappedEvent } from "./apply-mapping.ts";
import { NO_PULL, type PullRecord } from "./decide-pull.ts";

/** The record of a pull request as it is stored. */
export interface StoredPull extends PullRecord {
  /** Published as soon as this is stored, also by another process; `after` is the record afterwards. */
  readonly intent?: {
    readonly event: MappedEvent;
    readonly id: string;
    readonly user: ServiceUser;
    readonly after: PullRecord;
  };
  /** The last event that was published. */
  readonly last?: { readonly id: string; readonly stackId: string; readonly at: number };
}

const PAGE = 500;

/** Returns the key of a pull request's record. */
export function toPullKey(host: string, repositoryId: string, number: number): string {
  return `${toPrefix(host, repositoryId)}${number}`;
}

function toPrefix(host: string, repositoryId: string): string {
  return `hooks/pulls/${host}/${repositoryId}/`;
}

/** Parses a record; without one, returns the state of an unhandled pull request. */
export function toStoredPull(found: StoredRecord | undefined): StoredPull {
  return isStoredPull(found?.value) ? found.value : NO_PULL;
}

/** Returns true for a stored pull request. These keys have no other values, so a brief check is enough. */
function isStoredPull(value: unknown): value is StoredPull {
  return isMap(value) && typeof value["phase"] === "string" && typeof value["updatedAt"] === "number";
}

/** Returns the records of a repository's pull requests, by number. */
export async function loadPullRecords(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  host: string,
  repositoryId: string,
): Promise<ReadonlyMap<number, StoredPull>> {
  const prefix = toPrefix(host, repositoryId);
  const found = new Map<number, StoredPull>();
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const { items } of pages) {
    for (const record of items) found.set(Number(record.key.slice(prefix.length)), toStoredPull(record));
  }
  return found;
}
