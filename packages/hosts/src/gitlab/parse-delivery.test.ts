import { describe, expect, it } from "vitest";
import { parseGitLabDelivery } from "./parse-delivery.ts";

const HEAD = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
const project = {
  id: 1,
  name: "Gitlab Test",
  path_with_namespace: "gitlabhq/gitlab-test",
  web_url: "http://example.com/gitlabhq/gitlab-test",
};
const user = { id: 1, name: "Administrator", username: "root", email: "admin@example.com" };

/** Shaped as the body under "Merge request events" of GitLab's documentation. */
function mergeBody(attributes: Record<string, unknown> = {}, over: Record<string, unknown> = {}) {
  return {
    object_kind: "merge_request",
    event_type: "merge_request",
    user,
    project,
    repository: { name: "Gitlab Test", url: "http://example.com/gitlabhq/gitlab-test.git" },
    object_attributes: {
      id: 99,
      iid: 1,
      target_branch: "master",
      source_branch: "ms-viewport",
      source_project_id: 14,
      author_id: 51,
      assignee_ids: [6],
      title: "MS-Viewport",
      created_at: "2013-12-03T17:23:34Z",
      updated_at: "2013-12-03T17:23:34Z",
      milestone_id: null,
      state: "opened",
      blocking_discussions_resolved: true,
      merge_status: "unchecked",
      target_project_id: 14,
      description: "",
      url: "http://example.com/diaspora/merge_requests/1",
      last_commit: { id: HEAD, message: "fixed readme", timestamp: "2012-01-03T23:36:29+02:00" },
      draft: false,
      action: "open",
      ...attributes,
    },
    labels: [{ id: 206, title: "API", color: "#ffffff" }],
    changes: {},
    ...over,
  };
}

describe("a delivery of GitLab", () => {
  it("about a merge request has the facts of a pull request", () => {
    const at = Date.parse("2013-12-03T17:23:34Z");

    expect(parseGitLabDelivery(mergeBody())).toEqual({
      kind: "hook",
      at,
      hook: {
        kind: "pull",
        action: "opened",
        repository: { id: "1", fullName: "gitlabhq/gitlab-test", url: "http://example.com/gitlabhq/gitlab-test" },
        pull: {
          number: 1,
          title: "MS-Viewport",
          url: "http://example.com/diaspora/merge_requests/1",
          state: "open",
          merged: false,
          draft: false,
          labels: ["API"],
          author: "#51",
          authorId: "51",
          head: HEAD,
          branch: "ms-viewport",
          base: "master",
          fork: false,
          updatedAt: at,
        },
        sender: { id: "1", name: "root", bot: false },
      },
    });
  });

  it.each([
    [
      { action: "close", state: "closed" },
      { action: "closed", pull: { state: "closed", merged: false } },
    ],
    [
      { action: "merge", state: "merged" },
      { action: "closed", pull: { state: "closed", merged: true } },
    ],
    [{ action: "reopen" }, { action: "reopened", pull: { state: "open" } }],
    [{ action: "update", oldrev: "9".repeat(40) }, { action: "synchronize" }],
    [{ action: "update" }, { action: "edited" }],
    [{ action: "update", state: "locked" }, { pull: { state: "open" } }],
    [{ action: "approved" }, { action: "approved" }],
    // Older versions have no "draft" [SocialGouv/iterion#196].
    [{ draft: undefined, work_in_progress: true }, { pull: { draft: true } }],
    [{ draft: false, work_in_progress: true }, { pull: { draft: false } }],
    [{ source_project_id: 15 }, { pull: { fork: true } }],
    [{ source_project_id: null }, { pull: { fork: true } }],
    [{ author_id: 1 }, { pull: { author: "root", authorId: "1" } }],
    [{ updated_at: "2016-08-12 15:23:28 UTC" }, { pull: { updatedAt: Date.parse("2016-08-12T15:23:28Z") } }],
  ])("with %j is %j", (attributes, expected) => {
    expect(parseGitLabDelivery(mergeBody(attributes))).toMatchObject({ kind: "hook", hook: expected });
  });

  it.each([
    [["a"], ["a", "b"], "labeled", "b"],
    [["a", "b"], ["b"], "unlabeled", "a"],
    [["a"], ["b"], "labeled", "b"],
  ])("whose labels change from %j to %j is %s", (previous, current, action, label) => {
    const toLabels = (titles: readonly string[]) => titles.map((title) => ({ title }));
    const changes = { labels: { previous: toLabels(previous), current: toLabels(current) } };

    expect(parseGitLabDelivery(mergeBody({ action: "update" }, { changes }))).toMatchObject({
      hook: { action, label },
    });
  });

  const noteBody = (attributes: Record<string, unknown> = {}, over: Record<string, unknown> = {}) => ({
    object_kind: "note",
    user,
    project,
    object_attributes: {
      id: 1244,
      note: "/preview extend 2d",
      noteable_type: "MergeRequest",
      action: "create",
      ...attributes,
    },
    merge_request: { iid: 7 },
    ...over,
  });

  it("about a new note on a merge request is a command, whose merge request is looked up", () => {
    expect(parseGitLabDelivery(noteBody())).toMatchObject({
      kind: "comment",
      pullNumber: 7,
      commentId: 1244,
      hook: { kind: "command", action: "extend", args: { duration: 172_800 }, sender: { name: "root" } },
    });
  });

  it.each([
    ["an edited note", noteBody({ action: "update" })],
    ["a note of GitLab itself", noteBody({ system: true })],
    ["a note of a token", noteBody({}, { user: { id: 2, username: "project_424242_bot_4ffca233d8298ea1" } })],
    ["a note on a commit", noteBody({ noteable_type: "Commit" }, { merge_request: undefined })],
    ["a note that is not a command", noteBody({ note: "Nice!" })],
    ["another event", { object_kind: "pipeline" }],
    ["no body", null],
    ["a body without its facts", mergeBody({ last_commit: { id: "x" } })],
  ])("about %s is ignored", (_, body) => {
    expect(parseGitLabDelivery(body).kind).toBe("ignored");
  });

  it("about a merge request without commits is read, and so is its close [gitlab-merge-request-resource#9]", () => {
    for (const last_commit of [null, undefined]) {
      expect(parseGitLabDelivery(mergeBody({ last_commit, state: "closed", action: "close" }))).toMatchObject({
        kind: "hook",
        hook: { action: "closed", pull: { state: "closed", head: "0".repeat(40) } },
      });
    }
  });

  it("of a user without a number is read: before 2021 none had one", () => {
    const { id, ...nameless } = user;

    expect(parseGitLabDelivery(mergeBody({}, { user: nameless }))).toMatchObject({
      kind: "hook",
      hook: { sender: { id: "0", name: "root" }, pull: { author: "#51" } },
    });
  });

  it("about a push without its user is read", () => {
    const body = { object_kind: "push", ref: "refs/heads/main", after: HEAD, user_id: null, project };

    expect(parseGitLabDelivery(body)).toMatchObject({
      kind: "hook",
      hook: { action: "pushed", sender: { id: "0", name: "ghost" } },
    });
  });

  it.each([
    ["push", "refs/heads/main", HEAD, { action: "pushed", push: { name: "main", deleted: false } }],
    ["push", "refs/heads/main", "0".repeat(40), { action: "deleted", push: { deleted: true } }],
    ["tag_push", "refs/tags/v1", HEAD, { action: "pushed", push: { ref: "refs/tags/v1", name: "v1" } }],
  ])("about a %s of %s at %s is a push", (object_kind, ref, after, expected) => {
    const body = { object_kind, ref, after, user_id: 4, user_username: "jsmith", project };

    expect(parseGitLabDelivery(body)).toMatchObject({
      kind: "hook",
      hook: { kind: "push", sender: { id: "4" }, ...expected },
    });
  });
});
