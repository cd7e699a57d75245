import { defined, isMap, keepStart } from "@stackyard/core";
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
import type { HookPull, HookRepository, HookSender, ParsedDelivery } from "../delivery/hook.ts";
import { NO_COMMIT } from "../pull/decide-pull.ts";

// Only the fields in use; GitLab adds keys anytime. Sources: "Webhook events" and "Merge requests API", GitLab Docs.
const Id = Type.Integer({ minimum: 0 });
const Text = Type.String();
const Commit = Type.String({ pattern: "^[0-9a-f]{40}$" });
const Maybe = <Schema extends typeof Id | typeof Text>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** A project as the REST API and the webhooks of GitLab contain it. */
export const GitLabProject = Type.Object({ id: Id, path_with_namespace: Text, web_url: Text });
// Before 2021 the users of deliveries had no id.
const User = Type.Object({ id: Type.Optional(Id), username: Text });
const State = Type.Union(["opened", "closed", "merged", "locked"].map((state) => Type.Literal(state)));
const Labels = Type.Array(Type.Object({ title: Text }));

const MergeEvent = Type.Object({
  user: User,
  project: GitLabProject,
  labels: Type.Optional(Labels),
  changes: Type.Optional(Type.Object({ labels: Type.Optional(Type.Object({ previous: Labels, current: Labels })) })),
  object_attributes: Type.Object({
    iid: Id,
    title: Text,
    url: Text,
    state: State,
    action: Type.Optional(Text),
    oldrev: Type.Optional(Text),
    draft: Type.Optional(Type.Boolean()),
    // Its name before version 13.2.
    work_in_progress: Type.Optional(Type.Boolean()),
    author_id: Id,
    source_branch: Text,
    target_branch: Text,
    // The project of a fork that was deleted is null.
    source_project_id: Maybe(Id),
    target_project_id: Id,
    // Null when the branch is gone, or has no commits yet.
    last_commit: Type.Optional(Type.Union([Type.Object({ id: Commit }), Type.Null()])),
    updated_at: Text,
  }),
});
const PushEvent = Type.Object({
  ref: Text,
  after: Commit,
  // Nothing follows from who pushed.
  user_id: Type.Optional(Maybe(Id)),
  user_username: Type.Optional(Maybe(Text)),
  project: GitLabProject,
});
const NoteEvent = Type.Object({
  user: User,
  project: GitLabProject,
  object_attributes: Type.Object({
    id: Id,
    note: Text,
    noteable_type: Text,
    action: Type.Optional(Text),
    created_at: Type.Optional(Text),
    system: Type.Optional(Type.Boolean()),
  }),
  merge_request: Type.Optional(Type.Object({ iid: Id })),
});

/** A merge request as the REST API of GitLab returns it. */
export const GitLabPull = Type.Object({
  iid: Id,
  title: Text,
  web_url: Text,
  state: State,
  draft: Type.Optional(Type.Boolean()),
  work_in_progress: Type.Optional(Type.Boolean()),
  labels: Type.Array(Text),
  author: User,
  // As `last_commit` of a delivery.
  sha: Type.Optional(Type.Union([Commit, Type.Null()])),
  source_branch: Text,
  target_branch: Text,
  source_project_id: Maybe(Id),
  target_project_id: Id,
  updated_at: Text,
});
export type GitLabPull = Static<typeof GitLabPull>;

/** Actions under the names that pull requests of GitHub have. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ["open", "opened"],
  ["close", "closed"],
  ["reopen", "reopened"],
  ["merge", "closed"],
]);
/** Users of access tokens of projects and groups. Source: "Project access tokens", GitLab Docs. */
const BOT = /^(project|group)_\d+_bot/;

/**
 * Returns the content of a webhook delivery of GitLab, with the facts and actions of GitHub's pull requests. A body
 * without its event's required fields is ignored, with the reason.
 */
export function parseGitLabDelivery(body: unknown): ParsedDelivery {
  const kind = isMap(body) ? body["object_kind"] : undefined;
  const parse = PARSERS.get(String(kind));
  return parse === undefined
    ? ignore(`Stackyard does not handle the event "${keepStart(String(kind), 64)}".`)
    : parse(body);
}

const PARSERS: ReadonlyMap<string, (body: unknown) => ParsedDelivery> = new Map([
  ["merge_request", withSchema(MergeEvent, parseMerge)],
  ["push", withSchema(PushEvent, parsePush)],
  ["tag_push", withSchema(PushEvent, parsePush)],
  ["note", withSchema(NoteEvent, parseNote)],
]);

function parseMerge({
  user,
  project,
  labels = [],
  changes,
  object_attributes: merge,
}: Static<typeof MergeEvent>): ParsedDelivery {
  // The delivery has the author's number only; their name where they caused it.
  const author = merge.author_id === user.id ? user.username : `#${merge.author_id}`;
  const updatedAt = toInstant(merge.updated_at) ?? 0;
  const pull = toHookPull({
    ...merge,
    web_url: merge.url,
    sha: merge.last_commit?.id ?? null,
    labels: labels.map(({ title }) => title),
    author: { id: merge.author_id, username: author },
    updated_at: new Date(updatedAt).toISOString(),
  });
  const label = findChangedLabel(changes?.labels);
  const action = toAction(merge, label);
  const hook = { kind: "pull", action, repository: toProject(project), pull, sender: toSender(user) } as const;
  return { kind: "hook", hook: { ...hook, ...defined({ label: label?.name }) }, at: updatedAt };
}

interface ChangedLabel {
  readonly name: string;
  readonly action: "labeled" | "unlabeled";
}

/** Returns the first label that was added, else the first that was removed: one update may change several. */
function findChangedLabel(
  changed: { readonly previous: Static<typeof Labels>; readonly current: Static<typeof Labels> } | undefined,
): ChangedLabel | undefined {
  if (changed === undefined) return undefined;
  const before = new Set(changed.previous.map(({ title }) => title));
  const after = new Set(changed.current.map(({ title }) => title));
  const added = [...after].find((title) => !before.has(title));
  const removed = [...before].find((title) => !after.has(title));
  if (added !== undefined) return { name: cut(added, MAX_LABEL), action: "labeled" };
  return removed === undefined ? undefined : { name: cut(removed, MAX_LABEL), action: "unlabeled" };
}

function toAction(
  { action = "update", oldrev }: Static<typeof MergeEvent>["object_attributes"],
  label: ChangedLabel | undefined,
): string {
  if (action !== "update") return ACTIONS.get(action) ?? cut(action, MAX_LABEL);
  // Only an update with new commits has the head before.
  return oldrev === undefined ? (label?.action ?? "edited") : "synchronize";
}

function parsePush({ ref, after, user_id, user_username, project }: Static<typeof PushEvent>): ParsedDelivery {
  const deleted = after === NO_COMMIT;
  const push = { ref: cut(ref), name: cut(ref.replace(/^refs\/(heads|tags)\//, "")), head: after, deleted };
  const sender = toSender({ id: user_id ?? 0, username: user_username ?? "ghost" });
  return {
    kind: "hook",
    hook: { kind: "push", action: deleted ? "deleted" : "pushed", repository: toProject(project), push, sender },
  };
}

function parseNote({
  user,
  project,
  object_attributes: note,
  merge_request: merge,
}: Static<typeof NoteEvent>): ParsedDelivery {
  if (note.noteable_type !== "MergeRequest" || merge === undefined)
    return ignore("The note is not on a merge request.");
  // Before version 16.11 notes have no action, and updates are not sent.
  if ((note.action ?? "create") !== "create") return ignore("Only new notes are read; edits are not.");
  const sender = toSender(user);
  if (note.system === true || sender.bot) return ignore("Notes of bots and of GitLab itself are not read.");
  const hook = toCommandHook(note.note, { repository: toProject(project), sender });
  if (hook.kind === "ignored") return hook;
  const origin = { pullNumber: merge.iid, commentId: note.id };
  return { kind: "comment", hook, ...origin, ...defined({ at: toInstant(note.created_at) }) };
}

/** Returns the facts of a merge request as the API of GitLab returns it. */
export function toHookPull(merge: GitLabPull): HookPull {
  return {
    number: merge.iid,
    title: cut(merge.title),
    url: cut(merge.web_url),
    // `locked`: it is being merged.
    state: merge.state === "opened" || merge.state === "locked" ? "open" : "closed",
    merged: merge.state === "merged",
    draft: merge.draft ?? merge.work_in_progress ?? false,
    labels: merge.labels.slice(0, MAX_LABELS).map((label) => cut(label, MAX_LABEL)),
    author: cut(merge.author.username),
    authorId: String(merge.author.id ?? 0),
    head: merge.sha ?? NO_COMMIT,
    branch: cut(merge.source_branch),
    base: cut(merge.target_branch),
    fork: merge.source_project_id !== merge.target_project_id,
    updatedAt: toInstant(merge.updated_at) ?? 0,
  };
}

/** Returns a project as the repository of merge requests. */
export function toProject({ id, path_with_namespace, web_url }: Static<typeof GitLabProject>): HookRepository {
  return { id: String(id), fullName: cut(path_with_namespace), url: cut(web_url) };
}

function toSender({ id, username }: Static<typeof User>): HookSender {
  return { id: String(id ?? 0), name: cut(username), bot: BOT.test(username) };
}
