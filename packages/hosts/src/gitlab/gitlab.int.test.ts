import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { GITLAB_TOKEN, type GitLabSim, startGitLabSim } from "@stackyard/host-sim";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitLabBench, type GitLabBenchInput } from "../testing/gitlab-bench.ts";
import { NOW, SECRET, STANDARD_SECRET } from "../testing/hosts-bench.ts";
import { createGitLab } from "./create-gitlab.ts";
import { createGitLabClient, toGitLabFault, toProjectPath } from "./gitlab-client.ts";

const PROJECT = { id: "424242", fullName: "acme/shop" };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function createBench(input?: GitLabBenchInput) {
  const bench = await createGitLabBench(input);
  ends.push(bench.stop);
  const process = bench.start();
  return { ...bench, ...process, rules: () => bench.published.map((id) => id.split("/").at(-1)) };
}

describe("deliveries of GitLab", () => {
  it.each([
    ["signed by a signing token", STANDARD_SECRET],
    ["with the token in a header", SECRET],
  ])("%s follow a merge request from its opening to its end", async (_, secret) => {
    const { gitlab, clock, tick, statuses, rules } = await createBench({ secret });
    const iid = await gitlab.openMerge();
    await tick();
    await clock.advance(1_000);
    await gitlab.push(iid, toCommit(2));
    await tick();
    await clock.advance(1_000);
    await gitlab.label(iid, ["preview", "seed"]);
    await tick();
    await clock.advance(1_000);

    await gitlab.close(iid, "merged");
    await tick();

    expect(statuses).toEqual([202, 202, 202, 202]);
    expect(rules()).toEqual(["pull.open", "pull.head", "seed", "pull.closed"]);
  });

  it("without a valid signature or token are refused", async () => {
    const { post } = await createBench();
    const body = JSON.stringify({ object_kind: "push" });
    const refused = [
      await post(body, {}, "/hooks/gitlab"),
      await post(body, { "x-gitlab-token": "wrong" }, "/hooks/gitlab"),
      // A signing key that became known as a token opens nothing.
      await post(body, { "x-gitlab-token": STANDARD_SECRET }, "/hooks/gitlab"),
      await post(body, { "x-gitlab-token": SECRET, "webhook-signature": "v1,x" }, "/hooks/gitlab"),
    ];

    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  });

  it("that are not signed are known again by their body, whatever ids their headers claim", async () => {
    const { gitlab, post, tick } = await createBench({ secret: SECRET });
    let sent = { headers: {}, body: "" };
    const { receiver } = gitlab.settings;
    gitlab.settings.receiver = async (delivery) => {
      sent = delivery;
      return receiver?.(delivery) ?? 0;
    };
    await gitlab.pushBranch("main", toCommit(1));
    await tick();

    const headers = { ...sent.headers, "idempotency-key": "another", "webhook-id": "forged" };
    const again = await post(sent.body, headers, "/hooks/gitlab");

    expect([again.status, await again.json()]).toEqual([200, { outcome: "duplicate" }]);
  });

  it("about notes are commands of those who may push", { tags: "adapter" }, async () => {
    const { gitlab, clock, tick, rules, listOutcomes } = await createBench();
    const iid = await gitlab.openMerge();
    await tick();
    await gitlab.note(iid, "/preview extend 2d");
    await tick();
    gitlab.settings.accessLevel = 20;
    await clock.advance(61_000);

    await gitlab.note(iid, "/preview extend 3d");
    await tick();

    expect(rules()).toEqual(["pull.open", "extend"]);
    expect(await listOutcomes()).toContainEqual({
      kind: "refused",
      reason: "octocat has no write permission in acme/shop.",
    });
  });

  it("of forks wait until their head is trusted", async () => {
    const { gitlab, tick, rules } = await createBench();
    const iid = await gitlab.openMerge({ fork: true });
    await tick();
    expect(rules()).toEqual([]);

    await gitlab.note(iid, `/preview trust ${toCommit(1)}`);
    await tick();

    expect(rules()).toEqual(["pull.open"]);
  });

  it.each([true, false])("are looked for when they were not sent, with a token: %s", async (hasToken) => {
    const { findPollDue } = await createBench({ hasToken });

    expect((await findPollDue()) !== undefined).toBe(hasToken);
  });

  it("that were lost are found by comparing open merge requests with their stacks", { tags: "adapter" }, async () => {
    const { gitlab, tick, poll, clock, published } = await createBench();
    gitlab.settings.receiver = undefined;
    const iid = await gitlab.openMerge();
    await poll();
    await tick();
    await gitlab.close(iid);
    await clock.advance(300_000);

    await poll();
    await tick();

    expect(published.map((id) => id.replace(/\/[0-9a-f]{40}.*$/, ""))).toEqual([
      "gitlab/converge/424242/1/open",
      "gitlab/converge/424242/1/closed",
    ]);
  });

  it.each([
    ["signed by a signing token", STANDARD_SECRET],
    ["with the token in a header", SECRET],
  ])("%s that did not arrive are taken within a minute, each once", async (_, secret) => {
    const { gitlab, tick, poll, clock, rules, listOutcomes } = await createBench({ secret });
    const iid = await gitlab.openMerge();
    await tick();
    await poll();
    await clock.advance(60_000);
    const { receiver } = gitlab.settings;
    gitlab.settings.receiver = async (delivery) => {
      await receiver?.(delivery);
      return 504;
    };
    await gitlab.note(iid, "/preview extend 2d");
    await tick();
    gitlab.settings.isLosing = true;
    for (let each = 0; each < 25; each++) await gitlab.note(iid, `/preview extend ${each + 3}d`);

    for (let minute = 0; minute < 3; minute++) {
      await poll();
      await tick();
      await clock.advance(60_000);
    }

    expect(rules()).toEqual(["pull.open", ...Array(26).fill("extend")]);
    expect((await listOutcomes()).map((outcome) => outcome?.kind)).not.toContain("refused");
    const listed = gitlab.requests.filter((request) => /\/hooks\/2\/events/.test(request));
    // The newest, then two pages with what failed, and each minute what failed since.
    expect(listed).toHaveLength(5);
    expect(gitlab.requests.filter((request) => /\/hooks\?/.test(request))).toHaveLength(1);
  });

  it("are all read where GitLab cannot reach the yard, and none is received", async () => {
    const { gitlab, tick, poll, clock, rules, post } = await createBench({ pull: "only" });
    gitlab.settings.receiver = async () => 200;
    await poll();
    await clock.advance(60_000);
    const iid = await gitlab.openMerge();
    await gitlab.label(iid, ["preview", "seed"]);
    await gitlab.note(iid, "/preview extend 2d");

    await poll();
    await tick();

    expect(rules().toSorted()).toEqual(["extend", "pull.open", "seed"]);
    expect(await post("{}", {}, "/hooks/gitlab")).toMatchObject({ status: 404 });
  });

  it("that a group's webhook has lost are taken, by a token of an owner", async () => {
    const { gitlab, tick, poll, clock, rules } = await createBench();
    gitlab.settings.hookOwner = "group";
    gitlab.settings.groupLevel = 50;
    const iid = await gitlab.openMerge();
    await tick();
    await poll();
    gitlab.settings.isLosing = true;
    await gitlab.note(iid, "/preview extend 2d");
    await clock.advance(60_000);

    await poll();
    await tick();

    expect(rules()).toEqual(["pull.open", "extend"]);
    expect(gitlab.requests.filter((request) => request.includes("/groups?"))).toHaveLength(1);
  });

  it("are not read by a token that may not list webhooks", async () => {
    const { gitlab, poll } = await createBench();
    gitlab.settings.tokenLevel = 30;
    await gitlab.openMerge();

    await poll();
    await poll();

    expect(gitlab.requests.filter((request) => request.includes("/events"))).toEqual([]);
  });

  it("decide by themselves where no token allows look-ups", async () => {
    const { gitlab, tick, rules } = await createBench({ hasToken: false });

    await gitlab.openMerge();
    await tick();

    expect(rules()).toEqual(["pull.open"]);
    expect(gitlab.requests).toEqual([]);
  });
});

describe("the client of GitLab", () => {
  async function open(token = GITLAB_TOKEN) {
    const gitlab: GitLabSim = await startGitLabSim({ secret: SECRET, now: () => NOW });
    ends.push(() => gitlab.stop());
    return {
      gitlab,
      client: createGitLab({
        token,
        url: `${gitlab.url}/`,
        now: () => NOW,
        hookPath: "/hooks/gitlab",
        readsAll: false,
      }),
    };
  }

  it("lists the open merge requests of all pages, and those of no other project", async () => {
    const { gitlab, client } = await open();
    for (let index = 0; index < 101; index++) await gitlab.openMerge();
    await gitlab.close(5);

    const pulls = await client.listOpenPulls(PROJECT);

    expect(pulls?.map(({ number }) => number)).toEqual(
      Array.from({ length: 101 }, (_, index) => index + 1).filter((number) => number !== 5),
    );
    expect(await client.listOpenPulls({ ...PROJECT, id: "7" })).toBeUndefined();
    expect(await client.findPull(PROJECT, 500)).toBeUndefined();
    expect(await client.listRepositories()).toMatchObject([{ id: "424242", fullName: "acme/shop" }]);
  });

  it.each([
    [50, "admin"],
    [40, "maintain"],
    [30, "write"],
    [20, "triage"],
    [10, "none"],
  ])("takes the access level %d for the permission %s, of exactly this user", async (level, permission) => {
    const { gitlab, client } = await open();
    gitlab.settings.accessLevel = level;

    expect(await client.findPermission(PROJECT, "octocat")).toBe(permission);
    expect(await client.findPermission(PROJECT, "octo")).toBe("none");
  });

  it("sends nothing while GitLab asks to wait, and says what it answered otherwise", async () => {
    const { gitlab, client } = await open();
    gitlab.settings.fault = () => ({ status: 429 });
    await expect(client.findPull(PROJECT, 1)).rejects.toThrow("GitLab answered 429");
    gitlab.settings.fault = undefined;

    await expect(client.findPull(PROJECT, 1)).rejects.toThrow("GitLab asks to wait 30 s.");

    expect(gitlab.requests).toHaveLength(1);
    const { client: other } = await open("wrong");
    await expect(other.findPull(PROJECT, 1)).rejects.toThrow(
      "GitLab answered 401 to /projects/424242/merge_requests/1: 401",
    );
  });

  it("reads a project that was moved by its earlier name, and says where a whole GitLab is [gitlab!128642]", async () => {
    const { gitlab, client } = await open();
    gitlab.commits.push({ id: toCommit(1), message: "One" }, { id: toCommit(2), parent: toCommit(1), message: "Two" });
    gitlab.move("acme/store");
    const range = { before: toCommit(1), now: toCommit(2), signal: AbortSignal.timeout(5_000) };

    expect(await client.compare("acme/shop", range)).toMatchObject({ commits: [{ id: toCommit(2) }] });
    gitlab.settings.intercept = async ({ request }, proceed) =>
      request.url.includes("/projects/424242/repository/archive.tar.gz") ? new Response("archive") : proceed();
    const archive = await client.openArchive("acme/shop", toCommit(2), range.signal);
    expect(await text(Readable.from(archive ?? []))).toBe("archive");

    const location = "https://gitlab.example.org/api/v4/user";
    gitlab.settings.intercept = async () => new Response(null, { status: 301, headers: { location } });
    const error = await client.compare("acme/shop", range).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(`301 to /projects/acme%2Fshop/repository/commits: it is at ${location} now.`);
    expect(client.toFault(error)).toEqual({ kind: "down" });
  });

  it("does not write to a project by its earlier name, and says why [gitlab!259297]", async () => {
    const { gitlab } = await open();
    gitlab.move("acme/store");
    const client = createGitLabClient({ token: GITLAB_TOKEN, url: gitlab.url, fetch: gitlab.fetch, now: () => NOW });
    const request = {
      method: "POST",
      path: `${toProjectPath("acme/shop")}/statuses/${toCommit(1)}`,
      body: {},
    } as const;

    const error = await client.write(Type.Unknown(), request).catch((thrown: unknown) => thrown);

    expect(String(error)).toContain("GitLab answered 405 to /projects/acme%2Fshop/statuses/");
    expect(String(error)).toContain("Non GET methods are not allowed for moved projects");
    expect(toGitLabFault(error)).toEqual({ kind: "refused" });
  });

  it("knows why a request failed", async () => {
    const { gitlab, client } = await open();
    const faults: unknown[] = [];
    for (const status of [401, 403, 502, 429]) {
      gitlab.settings.fault = () => ({ status });
      const error = await client.findPull(PROJECT, 1).catch((thrown: unknown) => thrown);
      faults.push(client.toFault(error));
    }
    const silent = createGitLab({
      token: "t",
      url: "http://127.0.0.1:1",
      now: () => NOW,
      hookPath: "/hooks/gitlab",
      readsAll: false,
    });
    faults.push(silent.toFault(await silent.findPull(PROJECT, 1).catch((thrown: unknown) => thrown)));

    expect(faults).toEqual([
      { kind: "unauthorized" },
      { kind: "forbidden" },
      { kind: "down" },
      { kind: "waiting", until: NOW + 30_000 },
      { kind: "down" },
    ]);
    expect(client.toFault(new Error("ours"))).toBeUndefined();
  });
});
