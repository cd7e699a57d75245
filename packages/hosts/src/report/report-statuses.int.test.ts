import { linkPreview } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitHubBench, type GitHubBenchOptions, SHOP } from "../testing/github-bench.ts";
import { dieAtCall } from "../testing/hosts-bench.ts";
import { createReportBench, type ReportBench } from "../testing/report-bench.ts";

const benches: ReportBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(options?: GitHubBenchOptions) {
  const bench = await createReportBench(undefined, options);
  benches.push(bench);
  // The follower begins with the newest line.
  await bench.report();
  const { checks, deployments, comments } = bench.reports;
  return {
    ...bench,
    open: (fork = false) => bench.github.openPull(SHOP, { head: toCommit(1), fork }),
    listChecks: () => checks.map(({ set }) => [set["head_sha"], set["name"], set["conclusion"]]),
    listDeployments: () => deployments.map(({ set, statuses }) => [set["ref"], statuses.at(-1)?.["state"]]),
    listReactions: () => comments.filter(({ appId }) => appId === undefined).map(({ reactions }) => reactions),
    listAnswers: () => comments.filter(({ appId }) => appId !== undefined).map(({ body }) => body),
  };
}

describe("the checks and deployments of a pull request", () => {
  it("are one of each for every head, and end with the stack", async () => {
    const { github, open, pass, listChecks, listDeployments, reports } = await createBench();
    await open();
    await pass(20);
    await github.push(SHOP, 1, toCommit(2));
    await pass(20);
    expect(listDeployments()).toEqual([
      [toCommit(1), "inactive"],
      [toCommit(2), "success"],
    ]);
    await github.closePull(SHOP, 1);
    await pass(20);

    expect(listChecks()).toEqual([
      [toCommit(1), "Preview shop-pr-1", "success"],
      [toCommit(2), "Preview shop-pr-1", "success"],
    ]);
    expect(listDeployments().at(-1)).toEqual([toCommit(2), "inactive"]);
    expect(reports.deployments[0]?.set).toMatchObject({
      environment: "preview",
      transient_environment: true,
      auto_merge: false,
      required_contexts: [],
    });
    expect(reports.deployments[0]?.statuses[0]).toMatchObject({ auto_inactive: false });
  });

  it.each([
    ["a sender", {}, { repository: SHOP, isNamed: true }],
    ["a job whose stack was not sent the commit", { by: "job" }, { repository: SHOP, isNamed: false }],
    ["a job of a stack of another machine", { by: "job", machine: "other" }, { repository: SHOP, isNamed: true }],
    ["a sender who names a repository without a mapping", {}, { repository: "acme/other", isNamed: true }],
  ] as const)("say nothing about the commit of a link by %s", async (_, vouched, { repository, isNamed }) => {
    const { github, pass, store, clock, listChecks, listDeployments, listAnswers } = await createBench();
    if (repository !== SHOP) github.addRepository(repository);
    const head = "f".repeat(40);
    const place = { host: "github", number: 7, url: "https://github.example/7", owner: "mallory", title: "t" };
    const link = { stackId: "web-far", ...place, repository: { id: "424242", fullName: repository }, head };
    await linkPreview({ records: store.records, clock }, { ...link, ...vouched });
    const metadata = isNamed ? { image: head } : { image: "other" };
    const commit = isNamed ? { id: head, key: "image" } : undefined;
    const message = { id: "e", stackId: "web-far", event: "OPENED", machine: "preview", metadata, commit };
    await store.enqueue([
      { id: "e", stackId: "web-far", origin: "external", receivedAt: clock.now(), message, actor: "op" },
    ]);

    await pass(40);

    expect([listChecks(), listDeployments(), isNamed ? listAnswers() : []]).toEqual([[], [], []]);
  });

  it("have buttons that send commands", async () => {
    const { open, pass, reports } = await createBench();
    await open();
    await pass(20);

    const actions = reports.checks[0]?.set["actions"];
    expect(actions).toEqual([
      expect.objectContaining({ identifier: "retry" }),
      expect.objectContaining({ identifier: "extend 1d" }),
      expect.objectContaining({ identifier: "down" }),
    ]);
  });

  it("are neutral for the head of a fork that is not trusted", async () => {
    const { open, pass, listChecks, listDeployments } = await createBench();
    await open(true);
    await pass(20);

    expect(listChecks()).toEqual([[toCommit(1), "Preview", "neutral"]]);
    expect(listDeployments()).toEqual([]);
  });

  it("stop where a right is missing, whose name is reported, and follow when it is granted", async () => {
    const { github, open, pass, listAnswers, listChecks, store, clock } = await createBench();
    const list = async (prefix: string) =>
      (await store.records.list(prefix, { limit: 10, now: clock.now() })).items.map(({ value }) => value);
    github.settings.missingRights = ["checks"];
    await open();
    await pass(60);

    expect(listAnswers()).toHaveLength(1);
    expect(await list("notices/log/")).toMatchObject([
      {
        kind: "reports-stopped",
        text: expect.stringContaining('The permission "checks: write" is missing at acme/shop'),
      },
    ]);
    expect(await list("queue/reports-github/")).not.toContainEqual(
      expect.objectContaining({ deadAt: expect.any(Number) }),
    );

    github.settings.missingRights = [];
    await pass(300);

    expect(listChecks()).toEqual([[toCommit(1), "Preview shop-pr-1", "success"]]);
    expect(await list("hooks/report-stops/")).toEqual([]);
    expect(await list("notices/log/")).toHaveLength(1);
  });

  it("are one of each, after whatever call of the store a process dies", async () => {
    const { github, start, pass, clock, reports } = await createBench();
    for (let at = 1, hasDied = true; hasDied; at += 2) {
      const next = start();
      const number = await github.openPull(SHOP, { head: toCommit(1) });
      await next.tick();
      await clock.advance(1_000);
      const death = dieAtCall(at, "after");
      const dying = start(death.toStore);
      await dying.report().catch(() => undefined);
      await clock.advance(4_000);
      await dying.report().catch(() => undefined);
      hasDied = death.hasDied();
      await clock.advance(61_000);
      await pass(5, next);

      const counts = [reports.checks.length, reports.deployments.length];
      expect({ at, counts }).toEqual({ at, counts: [number, number] });
    }
  });
});

describe("reports with the token of a user", () => {
  it("have commit statuses instead of checks, of which the newest counts", async () => {
    const { github, open, pass, reports, listDeployments } = await createBench({ hasToken: true });
    await open();
    await pass(20);
    await github.push(SHOP, 1, toCommit(2));
    await pass(20);
    await github.closePull(SHOP, 1);
    await pass(20);

    const context = "Preview shop-pr-1";
    const ready = { context, state: "success", description: "The preview is ready" };
    expect(reports.statuses.map(({ set }) => set)).toMatchObject([
      { ...ready, sha: toCommit(1) },
      { ...ready, sha: toCommit(2) },
      { ...ready, sha: toCommit(2), description: "The preview has ended" },
    ]);
    expect(reports.checks).toEqual([]);
    expect(listDeployments()).toEqual([
      [toCommit(1), "inactive"],
      [toCommit(2), "inactive"],
    ]);
  });

  it("have one comment, which is found again by its author", async () => {
    const { open, pass, reports, start } = await createBench({ hasToken: true });
    const [mine, other] = ["yard-bot", "octocat"];
    const number = await open();
    await pass(20);
    const body = reports.comments[0]?.body ?? "";
    const second = await open();
    for (const login of [other, mine, mine]) reports.addComment({ repository: SHOP, number: second, body, login });
    await pass(20, start());

    const logins = reports.comments.map((comment) => [comment.number, comment.login]);
    expect(logins).toEqual([
      [number, mine],
      [second, other],
      [second, mine],
    ]);
  });

  it("follow what was not delivered", async () => {
    const { github, open, findPollDue, poll, tick, published } = await createBench({ hasToken: true });
    expect(await findPollDue()).toBeDefined();
    github.settings.receiver = undefined;
    await open();
    await poll();
    await tick();

    expect(published).toEqual([expect.stringMatching(/^github\/converge\/424242\/1\/open\//)]);
  });
});

describe("a stack whose first event is not decided yet", () => {
  it("is not reported as one that has ended", async () => {
    const { github, start, clock, stop } = await createGitHubBench();
    const { tick, report } = start();
    await report();
    await github.openPull(SHOP, { head: toCommit(1) });
    await tick();
    await clock.advance(16_000);
    await report();

    const { comments, checks } = github.reports;
    await stop();
    expect([comments, checks]).toEqual([[], []]);
  });
});

describe("the answer to a command", () => {
  it("is a reaction, and a line of the comment when it was refused", async () => {
    const { github, open, pass, listReactions, listAnswers } = await createBench();
    await open();
    await pass(15);
    await github.comment(SHOP, 1, "/preview status");
    await github.comment(SHOP, 1, "/preview stauts");
    await github.comment(SHOP, 1, `/preview trust ${toCommit(7)}`);
    await github.comment(SHOP, 1, "/preview sleep");
    await github.comment(SHOP, 1, "An ordinary comment");
    await pass(20);

    expect(listReactions()).toEqual([["+1"], ["confused"], ["confused"], ["confused"], []]);
    const [text] = listAnswers();
    expect(text).toContain('`octocat: Unknown command "stauts". Did you mean status?`');
    expect(text).toContain(`octocat: The head is ${toCommit(1)} now.`);
    expect(text).toContain('No rule of the mapping documents handles "/preview sleep" here.');
  });

  it("says that the head of a fork must be trusted before anything runs", async () => {
    const { github, pass, listReactions, listAnswers } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1), fork: true });
    await github.comment(SHOP, 1, "/preview up");
    await github.comment(SHOP, 1, "/preview status");
    await pass(20);

    expect(listReactions()).toEqual([["confused"], ["+1"]]);
    expect(listAnswers()).toEqual([
      expect.stringContaining(`octocat: The head ${toCommit(1)} of a fork is not trusted.`),
    ]);
  });

  it("says that a person may not write", async () => {
    const { github, open, pass, listReactions, listAnswers } = await createBench();
    await open();
    await pass(15);
    github.settings.permission = "read";
    await github.comment(SHOP, 1, "/preview status");
    await pass(20);

    expect(listReactions()).toEqual([["confused"]]);
    expect(listAnswers()).toEqual([expect.stringContaining("octocat has no write permission in acme/shop.")]);
  });
});
