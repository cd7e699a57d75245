import { defined, keepStart } from "@stackyard/core";
import { type Static, Type } from "typebox";
import {
  cut,
  ignore,
  MAX_LABEL,
  MAX_LABELS,
  toCommandHook,
  toInstant,
  withSchema,
} from "../delivery/delivery-parts.ts";
import {
  type Hook,
  type HookPull,
  type HookRepository,
  type HookSender,
  type ParsedDelivery,
  RERUN,
  type RepositoryPlace,
} from "../delivery/hook.ts";

// Only the fields in use; GitHub adds keys at any time. Source: "Webhook events and payloads", GitHub Docs.
const Id = Type.Integer({ minimum: 0 });
const Text = Type.String();
const Commit = Type.String({ pattern: "^[0-9a-f]{40}$" });

const User = Type.Object({ id: Id, login: Text, type: Type.Optional(Text) });
const Repository = Type.Object({ id: Id, full_name: Text, html_url: Text });
const Label = Type.Object({ name: Text });

/** A pull request as the REST API and the webhooks of GitHub return it. */
export const GitHubPull = Type.Object({
  number: Id,
  title: Text,
  html_url: Text,
  state: Type.Union([Type.Literal("open"), Type.Literal("closed")]),
  // Missing in lists of the REST API, which have `merged_at`.
  merged: Type.Optional(Type.Boolean()),
  merged_at: Type.Union([Text, Type.Null()]),
  draft: Type.Optional(Type.Boolean()),
  labels: Type.Array(Label),
  // A deleted account.
  user: Type.Union([User, Type.Null()]),
  // The repository of a fork that was deleted is null.
  head: Type.Object({ sha: Commit, ref: Text, repo: Type.Union([Repository, Type.Null()]) }),
  base: Type.Object({ ref: Text, repo: Repository }),
  updated_at: Text,
});
export type GitHubPull = Static<typeof GitHubPull>;

const PullEvent = Type.Object({
  action: Text,
  pull_request: GitHubPull,
  label: Type.Optional(Label),
  repository: Repository,
  sender: User,
});
const PushEvent = Type.Object({
  ref: Text,
  after: Commit,
  deleted: Type.Boolean(),
  // Text in the REST API, seconds in this event.
  repository: Type.Intersect([
    Repository,
    Type.Object({ pushed_at: Type.Optional(Type.Union([Type.Number(), Text])) }),
  ]),
  // Optional for this event alone. Source: `webhook-push` of `@octokit/openapi-webhooks-types`.
  sender: Type.Optional(Type.Union([User, Type.Null()])),
});
const CommentEvent = Type.Object({
  action: Text,
  issue: Type.Object({ number: Id, pull_request: Type.Optional(Type.Object({})) }),
  comment: Type.Object({ id: Id, body: Text, created_at: Type.Optional(Text) }),
  repository: Repository,
  sender: User,
});
// A pull request to another repository may be among them. Source: "List pull requests associated with a commit".
const PullOfCheck = Type.Object({
  number: Id,
  base: Type.Optional(Type.Object({ repo: Type.Optional(Type.Object({ id: Id })) })),
});
const CheckEvent = Type.Object({
  action: Text,
  check_run: Type.Object({
    id: Id,
    external_id: Type.Optional(Type.Union([Text, Type.Null()])),
    pull_requests: Type.Array(PullOfCheck),
  }),
  requested_action: Type.Optional(Type.Object({ identifier: Text })),
  repository: Repository,
  sender: User,
});
const SuiteEvent = Type.Object({
  action: Text,
  check_suite: Type.Object({ id: Id, head_sha: Commit, pull_requests: Type.Array(PullOfCheck) }),
  repository: Repository,
  sender: User,
});
const GroupEvent = Type.Object({
  action: Text,
  merge_group: Type.Object({ head_sha: Commit, head_ref: Text }),
  repository: Repository,
  sender: Type.Optional(Type.Union([User, Type.Null()])),
});
const InstallationEvent = Type.Object({ action: Text, sender: User });

/**
 * Returns the content of a webhook delivery of GitHub. `event` is its header `X-GitHub-Event`. A body without its
 * event's required fields is ignored, with the reason.
 */
export function parseGitHubDelivery(event: string, body: unknown): ParsedDelivery {
  const parse = PARSERS.get(event);
  return parse === undefined ? ignore(`Stackyard does not handle the event "${keepStart(event, 64)}".`) : parse(body);
}

const PARSERS: ReadonlyMap<string, (body: unknown) => ParsedDelivery> = new Map([
  ["pull_request", withSchema(PullEvent, parsePull)],
  ["push", withSchema(PushEvent, parsePush)],
  ["issue_comment", withSchema(CommentEvent, parseComment)],
  ["check_run", withSchema(CheckEvent, parseCheck)],
  ["check_suite", withSchema(SuiteEvent, parseSuite)],
  ["merge_group", withSchema(GroupEvent, parseGroup)],
  [
    "installation",
    withSchema(InstallationEvent, ({ action, sender }) => toHook({ kind: "installation", action }, sender)),
  ],
]);

function toHook(hook: Omit<Hook, "sender">, sender: Static<typeof User>, at?: number): ParsedDelivery {
  const made = { ...hook, action: cut(hook.action), sender: toSender(sender) };
  return { kind: "hook", hook: made, ...defined({ at }) };
}

function parsePull({ action, pull_request, label, repository, sender }: Static<typeof PullEvent>): ParsedDelivery {
  const hook = { kind: "pull", action, repository: toRepository(repository), pull: toPull(pull_request) } as const;
  return toHook({ ...hook, ...defined({ label: label && cut(label.name) }) }, sender, hook.pull.updatedAt);
}

function parsePush({ ref, after, deleted, repository, sender }: Static<typeof PushEvent>): ParsedDelivery {
  const push = { ref: cut(ref), name: cut(ref.replace(/^refs\/(heads|tags)\//, "")), head: after, deleted };
  const { pushed_at: pushedAt } = repository;
  return toHook(
    { kind: "push", action: deleted ? "deleted" : "pushed", repository: toRepository(repository), push },
    sender ?? { id: 0, login: "ghost" },
    typeof pushedAt === "number" ? pushedAt * 1_000 : toInstant(pushedAt),
  );
}

function parseComment({ action, issue, comment, repository, sender }: Static<typeof CommentEvent>): ParsedDelivery {
  if (action !== "created") return ignore("Only new comments are read; edits and deletions are not.");
  if (issue.pull_request === undefined) return ignore("The comment is on an issue, not on a pull request.");
  if (isBot(sender)) return ignore("Comments of bots are not read.");
  const { id, body, created_at: createdAt } = comment;
  const origin = { repository, sender, pullNumber: issue.number, commentId: id };
  return toCommand(body, { ...origin, ...defined({ at: toInstant(createdAt) }) });
}

/** The branch of a group names the pull request that it was made for. Source: branches of merge queues, GitHub Docs. */
const GROUP_REF = /^refs\/heads\/gh-readonly-queue\/.+\/pr-([1-9][0-9]{0,9})-[0-9a-f]{40}$/;

function parseGroup({ action, merge_group, repository, sender }: Static<typeof GroupEvent>): ParsedDelivery {
  if (action !== "checks_requested") return ignore("Of merge queues, only requested checks are handled.");
  const [, number] = GROUP_REF.exec(keepStart(merge_group.head_ref, MAX_REF)) ?? [];
  if (number === undefined) return ignore("The branch of the merge queue names no pull request.");
  const from = toSender(sender ?? { id: 0, login: "ghost" });
  const hook = { kind: "group", action, repository: toRepository(repository), group: merge_group.head_sha } as const;
  return { kind: "comment", hook: { ...hook, sender: from }, pullNumber: Number(number) };
}

const MAX_REF = 1_024;

function parseCheck({ action, check_run, requested_action, repository, sender }: Static<typeof CheckEvent>) {
  const isPressed = action === "requested_action" && requested_action !== undefined;
  if (!isPressed && action !== "rerequested") return ignore("No button was pressed.");
  const pullNumber = findPullOfCheck(check_run, repository);
  if (pullNumber === undefined) return ignore("The check does not belong to one open pull request.");
  const { turn = 0 } = parseCheckId(check_run.external_id ?? "") ?? {};
  const origin = { repository, sender, pullNumber, turn };
  if (isPressed) return toCommand(`/preview ${requested_action.identifier}`, origin);
  return { kind: "comment" as const, hook: toRerun(origin), pullNumber, turn };
}

/** Where GitHub names several pull requests, they have the same head. It names none for a fork. */
function findPullOfCheck(
  { external_id, pull_requests }: Static<typeof CheckEvent>["check_run"],
  repository: Static<typeof Repository>,
): number | undefined {
  const own = parseCheckId(external_id ?? "");
  if (own !== undefined) return own.number;
  const [number, ...others] = listOwnPulls(pull_requests, repository);
  return others.length === 0 ? number : undefined;
}

/** Returns the numbers of the pull requests to this repository. */
function listOwnPulls(pulls: readonly Static<typeof PullOfCheck>[], { id }: Static<typeof Repository>) {
  return pulls.filter(({ base }) => (base?.repo?.id ?? id) === id).map(({ number }) => number);
}

/**
 * Returns the `external_id` of a check of a pull request. GitHub signs it in the body of a press, which has neither a time nor an
 * id of its own: the turn, which changes when a press was answered, tells two presses apart.
 */
export function toCheckId(number: number, turn = 0): string {
  return turn === 0 ? `pull/${number}` : `pull/${number}/${turn}`;
}

function parseCheckId(text: string): { readonly number: number; readonly turn: number } | undefined {
  const [, number, turn = 0] = /^pull\/([1-9][0-9]{0,9})(?:\/([1-9][0-9]{0,9}))?$/.exec(text) ?? [];
  return number === undefined ? undefined : { number: Number(number), turn: Number(turn) };
}

function parseSuite({ action, check_suite, repository, sender }: Static<typeof SuiteEvent>): ParsedDelivery {
  if (action !== "rerequested") return ignore("The checks were not requested again.");
  const pullNumbers = listOwnPulls(check_suite.pull_requests, repository);
  return { kind: "rerun", hook: toRerun({ repository, sender }), head: check_suite.head_sha, pullNumbers };
}

/** A person requests the checks of a commit again: does what a push would do. The facts are looked up. */
function toRerun({ repository, sender }: Pick<CommandOrigin, "repository" | "sender">): Hook {
  return { kind: "pull", action: RERUN, repository: toRepository(repository), sender: toSender(sender) };
}

interface CommandOrigin {
  readonly repository: Static<typeof Repository>;
  readonly sender: Static<typeof User>;
  readonly pullNumber: number;
  readonly commentId?: number;
  readonly turn?: number;
  readonly at?: number;
}

function toCommand(text: string, { repository, sender, ...origin }: CommandOrigin): ParsedDelivery {
  const hook = toCommandHook(text, { repository: toRepository(repository), sender: toSender(sender) });
  return hook.kind === "ignored" ? hook : { kind: "comment", hook, ...origin };
}

/** Returns the facts of a pull request as the API of GitHub returns it. */
export function toPull(pull: GitHubPull): HookPull {
  return {
    number: pull.number,
    title: cut(pull.title),
    url: cut(pull.html_url),
    state: pull.state,
    merged: pull.merged ?? pull.merged_at !== null,
    draft: pull.draft ?? false,
    labels: pull.labels.slice(0, MAX_LABELS).map(({ name }) => cut(name, MAX_LABEL)),
    author: cut(pull.user?.login ?? "ghost"),
    authorId: String(pull.user?.id ?? 0),
    head: pull.head.sha,
    branch: cut(pull.head.ref),
    base: cut(pull.base.ref),
    fork: pull.head.repo?.id !== pull.base.repo.id,
    updatedAt: toInstant(pull.updated_at) ?? 0,
  };
}

/** Returns true if a pull request is of this repository: another one may have its earlier name. */
export function isOf({ id }: RepositoryPlace, { base }: GitHubPull): boolean {
  return String(base.repo.id) === id;
}

/** Returns a repository as GitHub's API and its deliveries contain it. */
export function toRepository({ id, full_name, html_url }: Static<typeof Repository>): HookRepository {
  return { id: String(id), fullName: cut(full_name), url: cut(html_url) };
}

function toSender(user: Static<typeof User>): HookSender {
  return { id: String(user.id), name: cut(user.login), bot: isBot(user) };
}

function isBot({ type }: Static<typeof User>): boolean {
  return type === "Bot";
}
