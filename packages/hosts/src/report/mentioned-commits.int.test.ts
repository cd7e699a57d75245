import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

/** The old version keeps serving after a roll-out that has failed. */
const ROLL = `version: 2
revision: follow
events: [OPENED, PUSHED, CLOSED]
metadata: { sha: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { leaving: abandon, on: { PUSHED: ROLL, CLOSED: GONE } }
  ROLL: { leaving: abandon, tasks: [up], on: { NEXT: LIVE, FAILED: LIVE, PUSHED: ROLL, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
tasks:
  up: { executor: lambda, config: { name: up } }
`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A preview whose second commit is being rolled out. */
async function open() {
  const bench = await createReportBench(undefined, { machine: ROLL });
  ends.push(bench.stop);
  const { github, report, pass, publish, reports, settle, fail } = bench;
  await report();
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(25);
  await github.push(SHOP, 1, toCommit(2));
  await pass(25);
  const after = (act: Promise<void>) => act.then(() => pass(25));
  return {
    succeed: () => after(settle("up")),
    fail: () => after(fail("up")),
    bring: (metadata: Readonly<Record<string, string>>) => after(publish({ event: "PUSHED", metadata })),
    /** Returns the check and the deployment of the second commit. */
    show: () => [
      reports.checks.findLast(({ set }) => set["head_sha"] === toCommit(2))?.set["conclusion"],
      reports.deployments.findLast(({ set }) => set["ref"] === toCommit(2))?.statuses.at(-1)?.["state"],
    ],
  };
}

describe("another commit whose event also mentions the head", () => {
  it("does not make the failed head green", async () => {
    const { succeed, fail, bring, show } = await open();
    await fail();
    expect(show()).toEqual(["failure", "failure"]);

    await bring({ sha: toCommit(9), rolledBackFrom: toCommit(2) });
    await succeed();

    expect(show()).toEqual(["failure", "failure"]);
  });

  it("does not make the green head red", async () => {
    const { succeed, fail, bring, show } = await open();
    await succeed();
    expect(show()).toEqual(["success", "success"]);

    await bring({ sha: toCommit(9), compare: `https://github.com/acme/shop/compare/${toCommit(2)}...${toCommit(9)}` });
    await fail();

    expect(show()[0]).toBe("success");
  });
});
