import { loadRecordedDeliveries } from "@stackyard/host-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseGitHubDelivery } from "./parse-delivery.ts";

const recorded = loadRecordedDeliveries();
const bodiesOf = (event: string, action?: string) =>
  recorded.filter(({ name, body }) => name === event && Object(body).action === action).map(({ body }) => body);

describe("parseGitHubDelivery", () => {
  it("reads every recorded pull request", () => {
    const parsed = recorded.filter(({ name }) => name === "pull_request");

    expect(parsed.length).toBeGreaterThan(20);
    for (const { body } of parsed) {
      expect(parseGitHubDelivery("pull_request", body)).toMatchObject({ kind: "hook", hook: { kind: "pull" } });
    }
  });

  it("returns the facts of a pull request", () => {
    expect(parseGitHubDelivery("pull_request", bodiesOf("pull_request", "opened")[0])).toEqual({
      kind: "hook",
      at: Date.parse("2019-05-15T15:20:33Z"),
      hook: {
        kind: "pull",
        action: "opened",
        repository: {
          id: "186853002",
          fullName: "Codertocat/Hello-World",
          url: "https://github.com/Codertocat/Hello-World",
        },
        pull: {
          number: 2,
          title: "Update the README with new information.",
          url: "https://github.com/Codertocat/Hello-World/pull/2",
          state: "open",
          merged: false,
          draft: false,
          labels: [],
          author: "Codertocat",
          authorId: "21031067",
          head: "ec26c3e57ca3a959ca5aad62de7213c562f8c821",
          branch: "changes",
          base: "master",
          fork: false,
          updatedAt: Date.parse("2019-05-15T15:20:33Z"),
        },
        sender: { id: "21031067", name: "Codertocat", bot: false },
      },
    });
  });

  it("returns the label that was added", () => {
    expect(parseGitHubDelivery("pull_request", bodiesOf("pull_request", "labeled")[0])).toMatchObject({
      hook: { action: "labeled", label: expect.any(String) },
    });
  });

  it("takes a pull request whose head repository was deleted for one of a fork", () => {
    const body = structuredClone(bodiesOf("pull_request", "opened")[0]);
    Object.assign(Object(body).pull_request.head, { repo: null });

    expect(parseGitHubDelivery("pull_request", body)).toMatchObject({ hook: { pull: { fork: true } } });
  });

  it("reads pushes of branches and tags, and their deletion", () => {
    const pushes = recorded.filter(({ name }) => name === "push").map(({ body }) => parseGitHubDelivery("push", body));

    expect(pushes).toContainEqual(
      expect.objectContaining({ hook: expect.objectContaining({ kind: "push", action: "deleted" }) }),
    );
    for (const push of pushes) expect(push.kind).toBe("hook");
  });

  const comment = (over: { body: string; action?: string; type?: string; pull?: boolean }) => ({
    action: over.action ?? "created",
    issue: { number: 7, ...((over.pull ?? true) && { pull_request: {} }) },
    comment: { id: 99, body: over.body },
    repository: { id: 1, full_name: "acme/shop", html_url: "https://github.com/acme/shop" },
    sender: { id: 5, login: "octocat", type: over.type ?? "User" },
  });

  it("reads a command, whose pull request is looked up by its number", () => {
    expect(parseGitHubDelivery("issue_comment", comment({ body: "/preview extend 2d" }))).toEqual({
      kind: "comment",
      pullNumber: 7,
      commentId: 99,
      hook: {
        kind: "command",
        action: "extend",
        repository: { id: "1", fullName: "acme/shop", url: "https://github.com/acme/shop" },
        args: { words: ["2d"], duration: 172_800 },
        sender: { id: "5", name: "octocat", bot: false },
      },
    });
  });

  it.each([
    ["an edit", comment({ body: "/preview up", action: "edited" })],
    ["a bot", comment({ body: "/preview up", type: "Bot" })],
    ["an issue", comment({ body: "/preview up", pull: false })],
    ["another comment", comment({ body: "Looks good" })],
  ])("ignores the comment of %s", (_, body) => {
    expect(parseGitHubDelivery("issue_comment", body)).toMatchObject({ kind: "ignored" });
  });

  it("reads the button of a check as a command", () => {
    const body = structuredClone(bodiesOf("check_run", "requested_action")[0]);
    Object.assign(Object(body).requested_action, { identifier: "retry" });

    expect(parseGitHubDelivery("check_run", body)).toMatchObject({
      kind: "comment",
      pullNumber: 26_764,
      hook: { kind: "command", action: "retry" },
    });
  });

  it("ignores events that it does not handle, and says so", () => {
    expect(parseGitHubDelivery("star", {})).toEqual({
      kind: "ignored",
      reason: 'Stackyard does not handle the event "star".',
    });
    expect(parseGitHubDelivery("constructor", {})).toMatchObject({ kind: "ignored" });
  });

  it("ignores every recorded body of another event, and any JSON, without an error", () => {
    for (const { body } of recorded) {
      for (const event of ["pull_request", "push", "issue_comment", "check_run", "merge_group", "installation"]) {
        expect(() => parseGitHubDelivery(event, body)).not.toThrow();
      }
    }
    fc.assert(
      fc.property(fc.constantFrom("pull_request", "push", "issue_comment"), fc.jsonValue(), (event, body) => {
        expect(parseGitHubDelivery(event, body)).toMatchObject({ kind: "ignored" });
      }),
    );
  });

  it("takes a button for the pull request of its check, not for the first one of its commit [dcoapp/app#307]", () => {
    const press = (check: object, over: object = { action: "requested_action" }) => {
      const body = structuredClone(bodiesOf("check_run", "requested_action")[0]);
      Object.assign(Object(body), over);
      Object.assign(Object(body).check_run, check);
      return parseGitHubDelivery("check_run", body);
    };
    const pull_requests = [{ number: 4 }, { number: 5 }];

    expect(press({ external_id: "pull/5", pull_requests })).toMatchObject({ kind: "comment", pullNumber: 5 });
    // Of a fork, GitHub names none.
    expect(press({ external_id: "pull/5", pull_requests: [] })).toMatchObject({ pullNumber: 5 });
    expect(press({ external_id: "", pull_requests: [{ number: 4 }] })).toMatchObject({ pullNumber: 4 });
    expect(press({ external_id: null, pull_requests })).toMatchObject({ kind: "ignored" });
    // GitHub's own button "Re-run" [dcoapp/app#305].
    expect(press({ external_id: "pull/5", pull_requests }, { action: "rerequested" })).toMatchObject({
      kind: "comment",
      hook: { kind: "pull", action: "rerequested" },
      pullNumber: 5,
    });
    expect(press({ external_id: "pull/5" }, { action: "created" })).toMatchObject({ kind: "ignored" });
  });

  it("takes checks that are requested again for all pull requests of their commit", () => {
    const { repository, sender } = Object(bodiesOf("check_run", "requested_action")[0]);
    const suite = (pull_requests: readonly object[]) => ({
      action: "rerequested",
      check_suite: { id: 1, head_sha: "1".repeat(40), pull_requests },
      repository,
      sender,
    });
    // A branch may have a pull request to another repository too.
    const foreign = { number: 9, base: { ref: "main", repo: { id: 1 } } };

    expect(parseGitHubDelivery("check_suite", suite([{ number: 4 }, { number: 5 }, foreign]))).toMatchObject({
      kind: "rerun",
      head: "1".repeat(40),
      pullNumbers: [4, 5],
    });
    expect(parseGitHubDelivery("check_suite", suite([]))).toMatchObject({ kind: "rerun", pullNumbers: [] });
    expect(parseGitHubDelivery("check_suite", { ...suite([]), action: "requested" })).toMatchObject({
      kind: "ignored",
    });
  });

  it("reads a push without its sender", () => {
    const { sender: _, ...body } = Object(bodiesOf("push")[0]);

    expect(parseGitHubDelivery("push", body)).toMatchObject({
      kind: "hook",
      hook: { kind: "push", sender: { id: "0", name: "ghost", bot: false } },
    });
  });

  it("bounds what it takes over", () => {
    const body = structuredClone(bodiesOf("pull_request", "opened")[0]);
    const labels = Array.from({ length: 5_000 }, () => ({ name: "x".repeat(5_000) }));
    Object.assign(Object(body).pull_request, { title: "t".repeat(1_000_000), labels });

    const parsed = parseGitHubDelivery("pull_request", body);

    expect(JSON.stringify(parsed).length).toBeLessThan(64 * 1024);
  });
});
