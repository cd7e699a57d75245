import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
revision: follow
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [up], on: { NEXT: LIVE, PUSHED: BUILD, SEED: BUILD, CLOSED: GONE } }
  LIVE: { on: { PUSHED: BUILD, SEED: BUILD, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  up: { executor: lambda, config: { name: up } }
`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(options: { readonly hasToken?: boolean } = {}) {
  const bench = await createReportBench(undefined, { machine: MACHINE, reports: ["summary"], ...options });
  ends.push(bench.stop);
  await bench.report();
  const { reports } = bench;
  const list = () => {
    const checks = reports.checks.map(
      ({ set }) => `${set["name"]} ${set["head_sha"]}: ${set["conclusion"] ?? set["status"]}`,
    );
    return [...checks, ...reports.statuses.map(({ set }) => `${set["context"]}: ${set["state"]}`)];
  };
  return { ...bench, list };
}

describe("the one check of a pull request", () => {
  it("follows its previews, and says of one without any that it may be merged", async () => {
    const { github, pass, publish, fail, list } = await start();

    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(40);
    expect(list()).toEqual([`Stackyard ${toCommit(1)}: in_progress`]);
    await fail("up");
    await pass(40);
    expect(list()).toEqual([`Stackyard ${toCommit(1)}: failure`]);
    await github.push(SHOP, 1, toCommit(2));
    await pass(40);
    await publish({ event: "TASK_COMPLETED", task: { name: "up" } });
    await pass(40);

    expect(list()).toEqual([`Stackyard ${toCommit(1)}: failure`, `Stackyard ${toCommit(2)}: success`]);
  });

  it("is there also where no document handles the pull request", async () => {
    const { github, pass, list } = await start();

    await github.openPull(SHOP, { head: toCommit(3), labels: ["docs"] });
    await pass(40);

    expect(list()).toEqual([`Stackyard ${toCommit(3)}: success`]);
  });

  it("is given to the group of a merge queue, when it is known [dcoapp/app#303]", async () => {
    const { github, pass, publish, list } = await start();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(40);

    await github.queueMerge(SHOP, 1, toCommit(9));
    await pass(40);
    expect(list()).toEqual([`Stackyard ${toCommit(1)}: in_progress`, `Stackyard ${toCommit(9)}: in_progress`]);
    await publish({ event: "TASK_COMPLETED", task: { name: "up" } });
    await pass(40);

    expect(list()).toEqual([`Stackyard ${toCommit(1)}: success`, `Stackyard ${toCommit(9)}: success`]);
  });
});
