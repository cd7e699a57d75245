import { isMap, listPages, type ServiceDeps, type ServiceUser, type StoredRecord } from "@stackyard/core";
import type { MappedEvent } from "./apply-mapping.ts";
import { NO_PULL, type PullRecord, type PullRule } from "./decide-pull.ts";

/** The stored record of a pull request. */
export interface StoredPull extends PullRecord {
  /** Published as soon as this is stored, also by another process; `after` is the record afterwards. */
  readonly intent?: {
    readonly event: MappedEvent;
    readonly id: string;
    readonly user: ServiceUser;
    readonly after: PullRecord;
  };
  /** The last event that was published. */
  readonly last?: LastEvent;
}

/** An event that was published for a pull request. */
export interface LastEvent {
  readonly id: string;
  readonly stackId: string;
  /** Its name. */
  readonly event?: string;
  readonly at: number;
  readonly rule?: PullRule;
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

/** Returns the ids of the repositories that have records of open pull requests. */
export async function listRecordedRepositories(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  host: string,
): Promise<readonly string[]> {
  const prefix = `hooks/pulls/${host}/`;
  const ids = new Set<string>();
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const { items } of pages) {
    for (const record of items) {
      const [id = ""] = record.key.slice(prefix.length).split("/");
      if (toStoredPull(record).phase === "open") ids.add(id);
    }
  }
  return [...ids];
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

/** Codes of events that were given up because their stack was in another state for too long. */
const GIVEN_UP: ReadonlySet<string> = new Set([
  "EVENT_NOT_HANDLED",
  "EXPRESSION_FAILED",
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
  "STACK_ENDED",
]);

/**
 * Returns the rule of the last event that was published if the yard has given that event up: the stack is not what the
 * record says. Undefined while the event is parked, and when it was decided on.
 */
export async function findLost(
  { queries }: Pick<ServiceDeps, "queries">,
  { last }: StoredPull,
): Promise<PullRule | undefined> {
  if (last?.rule === undefined) return undefined;
  const { items } = await queries.listHistory({ stackId: last.stackId, eventId: last.id }, { limit: 16 });
  const newest = items.at(-1);
  return newest?.outcome === "dead-lettered" && GIVEN_UP.has(newest.code ?? "") ? last.rule : undefined;
}
