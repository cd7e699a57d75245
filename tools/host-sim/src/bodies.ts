import type { SimCommit } from "./commit-graph.ts";
import type { Described } from "./described.ts";
import { loadRecordedDeliveries } from "./recorded-deliveries.ts";
import type { SimCheck } from "./reports.ts";

/** A repository in which the App is installed. */
export interface SimRepository {
  readonly id: number;
  readonly fullName: string;
  readonly pulls: Map<number, SimPull>;
  /** Compressed archives by commit. */
  readonly archives: Map<string, Uint8Array>;
  /** What can be compared. */
  readonly commits: SimCommit[];
  /** Commits by ref, such as `refs/heads/main`. */
  readonly refs: Map<string, string>;
}

/** A pull request of now. */
export interface SimPull {
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly fork: boolean;
  labels: readonly string[];
  /** The commit at its head. */
  head: string;
  state: "open" | "closed";
  updatedAt: number;
}

/** What a test says of a pull request. */
export interface PullInput {
  readonly title?: string;
  readonly author?: string;
  readonly fork?: boolean;
  readonly labels?: readonly string[];
  readonly head: string;
}

type Body = Readonly<Record<string, unknown>>;

/** Ids of users: any login is one. */
const USER_IDS = new Map<string, number>([["octocat", 583_231]]);

/** Returns the number of a user, which stays the same. */
export function toUserId(login: string): number {
  const id = USER_IDS.get(login) ?? 583_231 + USER_IDS.size;
  USER_IDS.set(login, id);
  return id;
}

/** Returns a user as GitHub's API returns it. */
export function toUser(login: string): Described<"simple-user"> {
  return { id: toUserId(login), login, type: login.endsWith("[bot]") ? "Bot" : "User" };
}

/** Returns a repository as GitHub's API returns it, without what no caller reads. */
export function toRepositoryBody({ id, fullName }: SimRepository): Described<"repository"> {
  const [owner = "", name = ""] = fullName.split("/");
  return { id, name, full_name: fullName, html_url: `https://github.com/${fullName}`, owner: toUser(owner) };
}

/** Returns a pull request as GitHub's API returns it: a recorded one, changed to this one. */
export function toPullBody(repository: SimRepository, pull: SimPull): Described<"pull-request"> {
  const recorded = findRecorded("pull_request", "opened")["pull_request"] as Body;
  const own = toRepositoryBody(repository);
  const of = { ...own, id: repository.id + 1_000_000, full_name: `${pull.author}/fork` };
  const { number, title, state, labels, head, author, updatedAt } = pull;
  const at = new Date(updatedAt).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    ...recorded,
    number,
    title,
    state,
    html_url: `https://github.com/${repository.fullName}/pull/${number}`,
    labels: labels.map((name) => ({ name })),
    user: toUser(author),
    head: { sha: head, ref: `branch-${number}`, repo: pull.fork ? of : own },
    base: { ref: "main", repo: own },
    updated_at: at,
    closed_at: state === "closed" ? at : null,
    merged_at: null,
    merged: false,
    draft: false,
  };
}

/** Returns the body of a delivery about a pull request. */
export function toPullEvent(
  repository: SimRepository,
  pull: SimPull,
  change: Body & { readonly action: string },
): Body {
  const recorded = findRecorded("pull_request", "opened");
  const about = {
    number: pull.number,
    pull_request: toPullBody(repository, pull),
    repository: toRepositoryBody(repository),
  };
  return { ...recorded, ...about, sender: toUser(pull.author), ...change };
}

/** Returns the body of a delivery about a ref. Without a head it was deleted. */
export function toPushEvent(repository: SimRepository, ref: string, head: string | undefined, at: number): Body {
  const own = { ...toRepositoryBody(repository), pushed_at: Math.floor(at / 1_000) };
  const deleted = head === undefined;
  return { ref, after: head ?? "0".repeat(40), deleted, created: false, repository: own, sender: toUser("octocat") };
}

/** What a person wrote. */
export interface CommentInput {
  readonly id: number;
  readonly text: string;
  readonly login: string;
  readonly at: number;
}

/** Returns the body of a delivery about a new comment on a pull request. */
export function toCommentEvent(repository: SimRepository, number: number, { id, text, login, at }: CommentInput): Body {
  const recorded = findRecorded("issue_comment", "created");
  const comment = { ...(recorded["comment"] as Body), id, body: text, created_at: new Date(at).toISOString() };
  const issue = { ...(recorded["issue"] as Body), number, pull_request: {} };
  return { ...recorded, issue, comment, repository: toRepositoryBody(repository), sender: toUser(login) };
}

/**
 * Returns the body of a delivery about a group of a merge queue. Source: "merge_group", Webhook events and payloads, GitHub
 * Docs.
 */
export function toGroupEvent(repository: SimRepository, number: number, head: string): Body {
  const base = "0".repeat(40);
  const head_ref = `refs/heads/gh-readonly-queue/main/pr-${number}-${base}`;
  const merge_group = { head_sha: head, head_ref, base_ref: "refs/heads/main", base_sha: base };
  const about = { action: "checks_requested", merge_group, repository: toRepositoryBody(repository) };
  return { ...about, sender: toUser("octocat") };
}

/** What a person did to a check. */
export interface CheckChange {
  /** The check, or the commit whose checks are meant. */
  readonly check?: SimCheck;
  readonly head: string;
  readonly action: "requested_action" | "rerequested";
  /** The button that was pressed. */
  readonly identifier?: string;
  readonly login: string;
}

/** Returns the body of a delivery about a check or all checks of a commit. It has no time and no id of the press. */
export function toCheckEvent(repository: SimRepository, { check, head, action, identifier, login }: CheckChange): Body {
  const name = check === undefined ? "check_suite" : "check_run";
  const recorded = findRecorded(name, action);
  // GitHub names no pull request of a fork.
  const own = [...repository.pulls.values()].filter(
    (pull) => pull.head === head && !pull.fork && pull.state === "open",
  );
  const base = { ref: "main", sha: "0".repeat(40), repo: { id: repository.id } };
  const pull_requests = own.map(({ number }) => ({ number, base }));
  const said = check && { id: check.id, external_id: check.set["external_id"] ?? "", name: check.set["name"] };
  const changed = { ...(recorded[name] as Body), ...said, head_sha: head, pull_requests };
  const about = { action, [name]: changed, repository: toRepositoryBody(repository), sender: toUser(login) };
  return { ...recorded, ...about, ...(identifier !== undefined && { requested_action: { identifier } }) };
}

let recordedDeliveries: ReturnType<typeof loadRecordedDeliveries> | undefined;

function findRecorded(event: string, action: string): Body {
  recordedDeliveries ??= loadRecordedDeliveries();
  const found = recordedDeliveries.find(({ name, body }) => name === event && (body as Body)["action"] === action);
  if (found === undefined) throw new Error(`No delivery ${event}.${action} is recorded.`);
  return found.body as Body;
}
