import { defined, isMap, listPages, type ServiceDeps, type StoredRecord } from "@stackyard/core";
import type { CommitNotes } from "./commit-notes.ts";
import type { HostReaction, PullPlace } from "./report-host.ts";

/** The reports to a pull request, stored as a record. */
export interface StoredReport {
  readonly place: PullPlace;
  /** The commit at its head. */
  readonly head: string;
  /** True if the head is an untrusted one of a fork. */
  readonly isUntrusted: boolean;
  /** The commit of a merge queue that contains the head. */
  readonly group?: string;
  /** Ids of the stacks that the last report was about. */
  readonly seen: readonly string[];
  /** The last answers to commands, the oldest first. */
  readonly answers: readonly { readonly id: string; readonly text: string }[];
  readonly comment?: StoredComment;
  /** The notes of commits, by stack. */
  readonly commits?: Readonly<Record<string, CommitNotes>>;
  /** Checks and deployments, by kind, stack and head. */
  readonly statuses?: Readonly<Record<string, StoredStatus>>;
  /** How many presses of buttons were answered. Checks have it in what GitHub signs, so that each press has a body of its own. */
  readonly presses?: number;
  /** When something was written last. */
  readonly reportedAt: number;
}

/** The comment of a pull request. */
export interface StoredComment {
  /** Missing if it is unknown whether it was written. */
  readonly id?: number;
  /** The hash of its content. */
  readonly hash?: string;
  /** The head at which a person has deleted it. It returns with another one. */
  readonly deletedAt?: string;
}

/** A check or a deployment. */
export interface StoredStatus {
  readonly head: string;
  readonly id: number;
  /** The hash of its content. */
  readonly hash: string;
  /** True if it reports unfinished work, or a deployment that exists. */
  readonly isOpen: boolean;
  /** The name of a check. Missing in records of earlier versions. */
  readonly name?: string;
}

/** The input of a pull request's report, in addition to its stacks. The queue keeps it until it was reported. */
export interface ReportRequest {
  readonly place: PullPlace;
  readonly head?: string;
  readonly isUntrusted?: boolean;
  readonly group?: string;
  readonly answers: readonly CommandAnswer[];
  /** The ids of deliveries by which buttons of its checks were pressed. */
  readonly presses?: readonly string[];
}

/** The answer to a command. */
export interface CommandAnswer {
  /** The id of the delivery. */
  readonly id: string;
  /** The comment with the command; missing for a button. */
  readonly commentId?: number;
  readonly reaction: HostReaction;
  /** Why it was refused. */
  readonly text?: string;
}

const MOST_ANSWERS = 3;
/** The most commands of one report. More in ten seconds are not answered. */
const MOST_REQUESTED = 20;
/** The time for which the record of a pull request with only ended stacks is kept: a reopened one finds its comment. */
const KEEP_ENDED_MS = 30 * 86_400_000;

/** Merges two requests of one pull request; the second is the later one. */
export function mergeRequests(before: ReportRequest, later: ReportRequest): ReportRequest {
  const answers = [
    ...before.answers,
    ...later.answers.filter(({ id }) => !before.answers.some((each) => each.id === id)),
  ];
  const presses = [...new Set([...(before.presses ?? []), ...(later.presses ?? [])])];
  return {
    ...before,
    ...later,
    answers: answers.slice(-MOST_REQUESTED),
    ...(presses.length > 0 && { presses: presses.slice(-MOST_REQUESTED) }),
  };
}

/** Applies a request to the record. */
export function applyRequest(report: StoredReport | undefined, request: ReportRequest): StoredReport {
  const { place, answers } = request;
  const before = report ?? { place, head: "", isUntrusted: false, seen: [], answers: [], reportedAt: 0 };
  const texts = answers.flatMap(({ id, text }) => (text === undefined ? [] : [{ id, text }]));
  const presses = (before.presses ?? 0) + (request.presses?.length ?? 0);
  const added = texts.filter(({ id }) => !before.answers.some((each) => each.id === id));
  return {
    ...before,
    place,
    head: request.head ?? before.head,
    isUntrusted: request.isUntrusted ?? before.isUntrusted,
    ...defined({ group: request.group ?? before.group }),
    answers: [...before.answers, ...added].slice(-MOST_ANSWERS),
    ...(presses > 0 && { presses }),
  };
}

/** Returns the key of a pull request's reports. */
export function toReportKey({ repository, number }: PullPlace): string {
  return `${repository.id}/${number}`;
}

const toPrefix = (host: string): string => `hooks/reports/${host}/`;

/** The record of a pull request, as it was read. */
export interface OpenReport {
  /** Returns what was read or stored last. */
  current(): StoredReport | undefined;
  /** Stores the present record. Throws when another process has changed it. */
  save(report: StoredReport, options?: { readonly hasEnded?: boolean }): Promise<void>;
}

/** Reads the record of a pull request. */
export async function openReport(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  host: string,
  place: PullPlace,
): Promise<OpenReport> {
  const key = `${toPrefix(host)}${toReportKey(place)}`;
  let found = await records.get(key, clock.now());
  return {
    current: () => toStoredReport(found),
    async save(report, { hasEnded = false } = {}) {
      const now = clock.now();
      const isKept = (found?.expiresAt !== undefined) === hasEnded;
      if (isKept && JSON.stringify(found?.value) === JSON.stringify(report)) return;
      const expected = found?.version ?? "absent";
      const expires = hasEnded ? { expiresAt: now + KEEP_ENDED_MS } : {};
      const put = await records.put({ key, value: report, expected, now, ...expires });
      if (put.kind === "conflict") throw new Error("Another process reports to this pull request.");
      found = put.record;
    },
  };
}

/** Lists the pull requests that are reported to at a host. */
export async function* listReports(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  host: string,
): AsyncGenerator<StoredReport> {
  const pages = listPages((start) => records.list(toPrefix(host), { limit: 500, now: clock.now(), ...start }));
  for await (const { items } of pages) {
    yield* items.map(toStoredReport).filter((report) => report !== undefined);
  }
}

function toStoredReport(found: StoredRecord | undefined): StoredReport | undefined {
  return isReport(found?.value) ? found.value : undefined;
}

/** Returns true for a report. These keys have no other values, so a brief check is enough. */
function isReport(value: unknown): value is StoredReport {
  return isMap(value) && isMap(value["place"]) && Array.isArray(value["answers"]);
}
