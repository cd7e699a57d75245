import { isMap, listPages, type ServiceDeps, type ServiceUser, type StoredRecord } from "@stackyard/core";
import { type EventFate, findEventFate, type HookEvent } from "@stackyard/core/services";
import type { Hook } from "../delivery/hook.ts";
import type { MappedEvent } from "../mapping/apply-mapping.ts";
import { NO_PULL, type PullFacts, type PullRecord, type PullRule } from "./decide-pull.ts";

/** The stored record of a pull request. */
export interface StoredPull extends PullRecord {
  /** Published as soon as this is stored, also by another process; `after` is the record afterwards. */
  readonly intent?: {
    readonly event: MappedEvent;
    readonly id: string;
    readonly user: ServiceUser;
    readonly after: PullRecord;
    /** The head that the event is for. */
    readonly head: string;
  };
  /** The last event that was published. Missing when it was refused and nothing is needed any more. */
  readonly last?: LastEvent;
  /** The last events that have brought a head, the newest last. */
  readonly sent?: readonly SentHead[];
  /** Labels and commands whose events the yard has not applied yet, as far as is known. */
  readonly wishes?: readonly Wish[];
}

/** An event that was published for a pull request. */
export interface LastEvent {
  readonly id: string;
  readonly stackId: string;
  /** Its name. */
  readonly event?: string;
  readonly at: number;
  readonly rule?: PullRule;
  /** The head that it was for. */
  readonly head?: string;
  /** True if the yard has refused it, and would refuse it again. */
  readonly isRefused?: true;
}

/** An event that was published for a head. */
export interface SentHead {
  readonly id: string;
  readonly head: string;
}

/** A label or a command that rules are for, and its events. */
export interface Wish {
  /** The id of its delivery. */
  readonly id: string;
  /** When it was expressed. */
  readonly at: number;
  /** The part of the hook that rules read in addition to the facts of the pull request. */
  readonly hook: Pick<Hook, "kind" | "action" | "label" | "args" | "sender">;
  /** The last tries of its events. Empty: none could be published at all. */
  readonly events: readonly HookEvent[];
}

const PAGE = 500;

/** Returns the key of a pull request's record. */
export function toPullKey(host: string, repositoryId: string, number: number): string {
  return `${toPrefix(host, repositoryId)}${number}`;
}

function toPrefix(host: string, repositoryId: string): string {
  return `${toHostPrefix(host)}${repositoryId}/`;
}

/** The beginning of the keys of all pull requests. */
export const PULLS = "hooks/pulls/";

/** Returns the beginning of the keys of a host's pull requests. */
export function toHostPrefix(host: string): string {
  return `${PULLS}${host}/`;
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
  const prefix = toHostPrefix(host);
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

/**
 * Without a stack a record only marks older facts as stale, and the trusted head of a fork. Deliveries are accepted for
 * three days, and remembered for fourteen.
 */
const KEEP_ENDED_MS = 15 * 86_400_000;

/** Stores the record of a pull request in place of the one that was read. Throws when another process was first. */
export async function savePull(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  key: string,
  found: StoredRecord | undefined,
  value: StoredPull,
): Promise<void> {
  if (JSON.stringify(found?.value) === JSON.stringify(value)) return;
  const now = clock.now();
  const hasEnded = value.phase === "none" && value.intent === undefined;
  const expires = hasEnded ? { expiresAt: now + KEEP_ENDED_MS } : {};
  const put = await records.put({ key, value, expected: found?.version ?? "absent", now, ...expires });
  if (put.kind === "conflict") throw new Error("Another process decided about this pull request.");
}

/** Returns the fate of the last event of a pull request. */
export async function findLastFate(deps: Pick<ServiceDeps, "queries">, { last }: StoredPull): Promise<EventFate> {
  return last?.rule === undefined ? { kind: "applied" } : findEventFate(deps, last);
}

/**
 * Returns the record without its last event, which the yard has refused: it has changed nothing, so what the pull request
 * needs is decided again. Whether a stack is open follows from the stack that is there, which may be an older one.
 */
export function undoLast(
  record: StoredPull,
  { hasStack, isEnding = false }: Pick<PullFacts, "hasStack" | "isEnding">,
): StoredPull {
  const phase = hasStack && !isEnding ? "open" : "none";
  if (record.last?.rule === "closed") return { ...record, phase };
  const { head: _, ...rest } = record;
  // The stack has another commit, or none.
  return { ...rest, phase };
}
