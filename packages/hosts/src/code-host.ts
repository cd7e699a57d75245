import type { CommitList } from "@stackyard/core";
import type { HookPull, HookRepository, RepositoryPlace } from "./delivery/hook.ts";
import type { HostPermission } from "./host-permission.ts";
import type { HostFault, ReportHost } from "./report/report-host.ts";

/** A delivery as the host remembers it. */
export interface SentDelivery {
  readonly id: number | bigint;
  /** The request headers, in lower case. The host may hide some of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Grows from one delivery to the next: when it was sent, or its number. */
  readonly position: number;
  /** True if the receiver accepted it. */
  readonly isTaken: boolean;
  /** Missing: it is read with `findDeliveryBody`. */
  readonly body?: unknown;
}

/** Which commits are compared. The signal ends the requests. */
export interface ComparedRange {
  readonly before: string;
  readonly now: string;
  readonly signal: AbortSignal;
}

/** The commits that `now` has and `before` has not. */
export type ComparedCommits = Omit<Extract<CommitList, { kind: "commits" }>, "kind">;

/** Takes the number of a pull request that cannot be read. */
export type OnUnread = (number: number | undefined) => void;

/** A code host: facts are looked up, and reports are written. */
export interface CodeHost {
  /** Missing if nothing is reported to hosts of this kind. */
  readonly reports?: ReportHost;
  /** Returns why a call failed; undefined for an error that does not come from the host. */
  toFault(error: unknown): HostFault | undefined;
  /** Returns a pull request as it is now; undefined when it does not exist. */
  findPull(repository: RepositoryPlace, number: number): Promise<HookPull | undefined>;
  /**
   * Returns what a ref such as `refs/heads/main` points to now: a commit, or the object of an annotated tag, as pushes name
   * it. Undefined: a repository that exists does not have the ref.
   */
  findRef(repository: RepositoryPlace, ref: string): Promise<string | undefined>;
  findPermission(repository: RepositoryPlace, login: string): Promise<HostPermission>;
  /** Returns the repositories that Stackyard may read, at most an hour old. */
  listRepositories(): Promise<readonly HookRepository[]>;
  /** Lists the deliveries since a position, newest first; earlier ones may be among them. Without one: only the newest. */
  listDeliveries(since: number | undefined): Promise<readonly SentDelivery[]>;
  /** Returns the body of a delivery; undefined when the host does not have it any more. */
  findDeliveryBody(id: SentDelivery["id"]): Promise<unknown>;
  /** Returns why repositories are missing in the last list: what the host refused. Missing: it is not known. */
  listFaults?(): readonly string[];
  /**
   * Returns the open pull requests of a repository as they are now; undefined when it does not exist. Those that cannot
   * be read are left out, and `onUnread` is called with the number of each, or undefined if it has none.
   */
  listOpenPulls(repository: RepositoryPlace, onUnread?: OnUnread): Promise<readonly HookPull[] | undefined>;
  /** Returns the present name of a repository that may have been renamed or moved; undefined when it does not exist. */
  findName(repository: string, signal: AbortSignal): Promise<string | undefined>;
  /** Compares two commits of a repository by name; undefined when the repository, one of them or a common ancestor does not exist. */
  compare(repository: string, range: ComparedRange): Promise<ComparedCommits | undefined>;
  /** Returns the files of a commit of a repository by name, as a compressed tar archive; undefined when it does not exist. */
  openArchive(repository: string, commit: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}
