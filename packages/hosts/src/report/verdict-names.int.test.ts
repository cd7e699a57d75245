import { APP_ID, APP_KEY } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createHostsBench } from "../testing/hosts-bench.ts";
import { createReportBench, runYard } from "../testing/report-bench.ts";

const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
revision: follow
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SEED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const FAILING = MACHINE.replace("LIVE: { on:", "LIVE: { tasks: [up], on:").concat(
  "tasks:\n  up: { executor: lambda, config: { name: up } }\n",
);

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe("two yards at one repository", () => {
  it("have a check each: a success of one does not hide the failure of the other [atlantis#2845, policy-bot#799]", async () => {
    const failing = await createReportBench(undefined, { machine: FAILING });
    ends.push(failing.stop);
    const { github, reports, report, pass, fail } = failing;
    const app = { type: "github" as const, secrets: [{ env: "SECRET" }], appId: APP_ID, key: { env: "KEY" } };
    const options = { hosts: { github: { ...app, url: github.url, pull: "only" } } };
    const ports = { appKey: APP_KEY, fetch: github.fetch, machine: MACHINE, environment: { YARD_NAME: "staging" } };
    const own = createHostsBench({ options, ...ports });
    const other = runYard({ ...own, stop: async () => own.remove() });
    ends.push(other.stop);
    await report();
    await other.report();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(20);
    await fail("up");
    await pass(40);

    await other.poll();
    await other.pass(20);

    expect(reports.checks.map(({ set }) => `${set["name"]}: ${set["conclusion"]}`).toSorted()).toEqual([
      "Preview shop-pr-1 (staging): success",
      "Preview shop-pr-1: failure",
    ]);
  });
});

describe("a fork whose head is trusted", () => {
  it.each([false, true])("has no status that waits for trust any more; with a token: %s", async (hasToken) => {
    const bench = await createReportBench(undefined, { machine: MACHINE, hasToken });
    ends.push(bench.stop);
    const { github, pass, report, reports } = bench;
    await report();
    await github.openPull(SHOP, { head: toCommit(1), fork: true });
    await pass(30);

    await github.comment(SHOP, 1, `/preview trust ${toCommit(1)}`);
    await pass(90);

    const last = new Map<unknown, unknown>();
    for (const { set } of reports.checks) last.set(set["name"], set["conclusion"]);
    for (const { set } of reports.statuses) last.set(set["context"], set["state"]);
    expect([...last.values()]).toEqual(["success", "success"]);
  });
});

describe("a locked conversation", () => {
  it("is about its pull request: reports to others continue [renovate#6215, stale#51]", async () => {
    const bench = await createReportBench(undefined, { machine: MACHINE });
    ends.push(bench.stop);
    const { github, report, pass, reports, store, clock } = bench;
    await report();
    github.settings.requestFault = (method, path) =>
      method === "POST" && path.endsWith("/issues/1/comments")
        ? { status: 403, message: "Unable to create comment because issue is locked." }
        : undefined;

    for (const digit of [1, 2]) {
      await github.openPull(SHOP, { head: toCommit(digit) });
      await pass(40);
    }

    expect(reports.comments.map(({ number }) => number)).toEqual([2]);
    expect(reports.checks.map(({ set }) => set["conclusion"])).toEqual(["success", "success"]);
    const { items } = await store.records.list("notices/", { limit: 100, now: clock.now() });
    expect(JSON.stringify(items)).not.toContain("reports-stopped");
  });
});
