import { listHookDeliveries } from "@stackyard/core/services";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGitHub } from "./github/create-github.ts";
import { toCommit } from "./testing/builders.ts";
import { APP_KEY, type FakeGitHub, startFakeGitHub } from "./testing/fake-github.ts";
import { createHostsBench, NOW, signedByGitHub, toPullBody } from "./testing/hosts-bench.ts";

let github: FakeGitHub;
beforeAll(async () => {
  github = await startFakeGitHub();
});
afterAll(() => github.stop());
beforeEach(() => {
  Object.assign(github, { pull: {}, permission: "write", failWith: undefined });
});

const benches: ReturnType<typeof createHostsBench>[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});

const COMMANDS = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }, head: { send: PUSHED }, closed: { send: CLOSED } }
rules: { extend: { on: command.extend, send: SEED, metadata: { seconds: "\${hook.args.duration}" } } }
`;

function createBench() {
  const { url } = github;
  const secrets = [{ env: "SECRET" }];
  const options = { hosts: { github: { type: "github" as const, appId: 1, key: { env: "KEY" }, secrets, url } } };
  const bench = createHostsBench({ options, appKey: APP_KEY, document: COMMANDS });
  benches.push(bench);
  const process = bench.start();
  const deliver = async (body: string, event: string, id: string) => {
    await process.post(body, signedByGitHub(body, id, event));
    await process.tick();
  };
  return {
    ...bench,
    ...process,
    deliver,
    comment: (text: string, id: string) => deliver(toComment(text, id), "issue_comment", id),
    async outcomes() {
      const { store, clock } = bench;
      return (await listHookDeliveries({ records: store.records, clock }, { limit: 100 })).items.map(
        ({ outcome }) => outcome,
      );
    },
  };
}

function toComment(text: string, id: string): string {
  const repository = { id: 424242, full_name: "acme/shop", html_url: "https://github.com/acme/shop" };
  const sender = { id: 583231, login: "octocat", type: "User" };
  const comment = { id: Number(id.replace(/\D/g, "")), body: text, created_at: new Date(NOW).toISOString() };
  return JSON.stringify({ action: "created", issue: { number: 7, pull_request: {} }, comment, repository, sender });
}

describe("look-ups at GitHub", () => {
  it("decide by the pull request of now, not by what a late delivery says", async () => {
    const { deliver, published } = createBench();
    github.pull = { state: "closed" };

    await deliver(toPullBody(), "pull_request", "d1");

    expect(published).toEqual([]);
  });

  it("let persons with write permission send commands, and tell the others why not", async () => {
    const { deliver, comment, published, outcomes, clock } = createBench();
    await deliver(toPullBody(), "pull_request", "d1");
    await comment("/preview extend 2d", "c1");
    github.permission = "read";
    await comment("/preview extend 3d", "c2");
    await clock.advance(61_000);

    await comment("/preview extend 4d", "c3");

    expect(published).toEqual(["github/d1/pull.open", "github/c1/extend", "github/c2/extend"]);
    expect(await outcomes()).toContainEqual({
      kind: "refused",
      reason: "octocat has no write permission in acme/shop.",
    });
  });

  it("bind the trust in a fork to one head", async () => {
    const { deliver, comment, published, outcomes } = createBench();
    github.pull = { fork: true };
    await deliver(toPullBody({ fork: true }), "pull_request", "d1");
    expect(published).toEqual([]);
    await comment(`/preview trust ${toCommit(2)}`, "c1");
    expect(published).toEqual([]);

    await comment(`/preview trust ${toCommit(1)}`, "c2");
    github.pull = { fork: true, head: 3 };
    await deliver(toPullBody({ fork: true, head: 3, action: "synchronize" }), "pull_request", "d2");

    expect(published).toEqual(["github/c2/pull.open"]);
    const kinds = (await outcomes()).map((outcome) => outcome?.kind);
    expect(kinds.toSorted()).toEqual(["events", "refused", "waits-for-trust", "waits-for-trust"]);
  });

  it("are repeated until GitHub answers again", async () => {
    const { deliver, tick, clock, published } = createBench();
    github.failWith = 503;
    await deliver(toPullBody(), "pull_request", "d1");
    expect(published).toEqual([]);
    github.failWith = undefined;
    await clock.advance(5_000);

    await tick();

    expect(published).toEqual(["github/d1/pull.open"]);
  });

  it("say what a command lacks that cannot be read", async () => {
    const { comment, outcomes } = createBench();

    await comment("/preview exten 2d", "c1");

    expect(await outcomes()).toEqual([{ kind: "refused", reason: expect.stringContaining("extend") }]);
  });
});

describe("the client of a GitHub App", () => {
  const open = (now = () => 0) => createGitHub({ appId: 1, privateKey: APP_KEY, url: github.url, now });

  it("finds nothing where GitHub says that there is nothing", async () => {
    github.pull = undefined;
    const client = open();

    expect(await client.findPull("acme/shop", 7)).toBeUndefined();
    expect(await client.findPull("acme/other", 7)).toBeUndefined();
    expect(await client.findPermission("acme/shop", "stranger")).toBe("none");
  });

  it("asks for a permission once a minute", async () => {
    let now = 0;
    const client = open(() => now);
    const countAsked = () => github.requests.filter((request) => request.endsWith("/permission")).length;
    const before = countAsked();
    await client.findPermission("acme/shop", "octocat");
    await client.findPermission("acme/shop", "octocat");
    expect(countAsked() - before).toBe(1);
    now += 60_000;

    await client.findPermission("acme/shop", "octocat");

    expect(countAsked() - before).toBe(2);
  });

  it("reads a key whose lines were joined for a variable", async () => {
    const client = createGitHub({
      appId: 1,
      privateKey: APP_KEY.replaceAll("\n", "\\n"),
      url: github.url,
      now: () => 0,
    });

    expect(await client.findPull("acme/shop", 7)).toMatchObject({ number: 7, head: toCommit(1) });
  });
});
