// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pullFaults } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createGitLabBench } from "../testing/gitlab-bench.ts";
import { createActions, createReportBench, runYard } from "../testing/report-bench.ts";

const MACHINE = `version: 2
revision: follow
events: [OPENED, PUSHED, RETRY, CLOSED]
states:
  INIT: { on: { OPENED: ROLL } }
  ROLL: { leaving: wait, tasks: [up], on: { NEXT: LIVE, FAILED: BROKEN, PUSHED: ROLL, CLOSED: CLEAN-UP } }
  LIVE: { on: { PUSHED: ROLL, CLOSED: CLEAN-UP } }
  BROKEN: { on: { RETRY: ROLL, PUSHED: ROLL, CLOSED: CLEAN-UP } }
  CLEAN-UP: { leaving: cancel, terminal: true, tasks: [down], on: { FAILED: LEAKED } }
  LEAKED: { on: { CLOSED: CLEAN-UP } }
tasks:
  up: { executor: lambda, config: { name: up } }
  down: { executor: lambda, config: { name: down } }
`;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function createBench(machine = MACHINE) {
  const bench = await createReportBench(undefined, { machine });
  stops.push(bench.stop);
  const { github, pass, publish, reports, store, clock } = bench;
  await bench.report();
  return {
    ...bench,
    async open(head = 1) {
      const number = await github.openPull(SHOP, { head: toCommit(head) });
      await pass(25);
      return number;
    },
    async end(event: string, task: string, more = {}) {
      await publish({ event, task: { name: task }, ...more });
      await pass(25);
    },
    checkOf: (digit: number) =>
      reports.checks
        .filter(({ set }) => set["head_sha"] === toCommit(digit))
        .map(({ set }) => set["conclusion"] ?? set["status"])
        .at(-1),
    async listFaults() {
      const { items } = await pullFaults.list({ records: store.records, clock }, { limit: 10 });
      return items.map(({ stackId, kind }) => `${stackId} ${kind}`);
    },
  };
}

describe("what users of other tools have reported about checks of previews", () => {
  it("a roll-out that fails at once, such as by a lock, leaves no check pending forever [digger#1367]", async () => {
    const { open, end, checkOf } = await createBench();
    await open();

    await end("TASK_ERROR", "up", { code: "TERRAFORM_STATE_LOCKED", retryable: true });

    expect(checkOf(1)).toBe("failure");
  });

  it("a roll-out that a person cancels is not under way any more [travis-ci#2242]", async () => {
    const { open, end, checkOf, stateOf } = await createBench();
    await open();

    await end("CANCEL_TASK", "up");

    expect([await stateOf(), checkOf(1)]).toEqual(["BROKEN", "failure"]);
  });

  it("one that is closed before it was ready does not stay pending [amplify-hosting#367]", async () => {
    const { github, open, end, checkOf, pass, stateOf } = await createBench();
    await open();

    await github.closePull(SHOP, 1);
    await pass(25);
    await end("TASK_COMPLETED", "up");
    await end("TASK_COMPLETED", "down");

    expect([await stateOf(), checkOf(1)]).toEqual([undefined, "cancelled"]);
  });

  it("a failed roll-out can be repeated on the same commit at GitLab [atlantis#3999, atlantis#1971]", async () => {
    const bench = runYard(await createGitLabBench({ machine: MACHINE }));
    stops.push(bench.stop);
    const { gitlab, pass } = bench;
    const { publish } = createActions(bench);
    await bench.report();
    await gitlab.openMerge();
    await pass(25);
    const listStatuses = () => gitlab.reports.statuses.map(({ sha, status }) => `${sha[0]} ${status}`);
    expect(listStatuses()).toEqual(["1 running"]);
    await publish({ event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" });
    await pass(25);
    expect(listStatuses().at(-1)).toBe("1 failed");

    await publish({ event: "RETRY" });
    await pass(25);
    expect(listStatuses().at(-1)).toBe("1 running");
    await publish({ event: "TASK_COMPLETED", task: { name: "up" } });
    await pass(25);

    expect(listStatuses().at(-1)).toBe("1 success");
  });
});

describe("what users of other tools have reported about checks of several previews", () => {
  it("each says what became of its own commit, in whatever order they end [argo-cd#16601]", async () => {
    const { open, publish, pass, checkOf } = await createBench();
    for (const head of [1, 2, 3]) await open(head);
    const end = async (stackId: string, event: string, more = {}) => {
      await publish({ stackId, event, task: { name: "up" }, ...more });
      await pass(25);
    };

    await end("shop-pr-3", "TASK_COMPLETED");
    expect([1, 2, 3].map(checkOf)).toEqual(["in_progress", "in_progress", "success"]);
    await end("shop-pr-1", "TASK_ERROR", { code: "BOOM" });
    await end("shop-pr-2", "TASK_COMPLETED");

    expect([1, 2, 3].map(checkOf)).toEqual(["failure", "success", "success"]);
  });

  it("a commit whose first task fails before anything of it is known has its failure [argo-cd#29575]", async () => {
    const { github, open, end, pass, checkOf, reports } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    await github.push(SHOP, 1, toCommit(2));
    await pass(25);

    await end("TASK_ERROR", "up", { code: "TERRAFORM_SOURCE_MISSING", description: "No folder." });

    expect([checkOf(1), checkOf(2)]).toEqual(["success", "failure"]);
    expect(reports.checks.every(({ set }) => /^[0-9a-f]{40}$/.test(String(set["head_sha"])))).toBe(true);
  });
});

describe("what users of other tools have reported about the end of previews", () => {
  it("one that is merged before it was rolled out is removed, whatever its roll-out has made by then [mittwald/flow#2763]", async () => {
    const machine = MACHINE.replace("CLEAN-UP: { leaving: cancel", "CLEAN-UP: { leaving: wait");
    const { github, open, end, pass, wait, findStack, stateOf, reports, store, clock } = await createBench(machine);
    const listRuns = async () => (await findStack())?.runs.map(({ task }) => task);
    await open();
    const attemptId = (await findStack())?.runs[0]?.attemptId ?? "";
    await github.closePull(SHOP, 1);
    await pass(25);
    // The clean-up would find nothing yet.
    const waiting = await listRuns();
    const stackId = "shop-pr-1";
    const message = { event: "TASK_COMPLETED", stackId, task: { name: "up" }, dispatchId: attemptId };
    await store.enqueue([{ id: `result:${attemptId}`, stackId, origin: "worker", receivedAt: clock.now(), message }]);
    await pass(25);
    const cleaning = await listRuns();
    await end("TASK_COMPLETED", "down");
    await wait(10);

    expect([waiting, cleaning]).toEqual([["up"], ["down"]]);
    expect(await stateOf()).toBeUndefined();
    expect(reports.deployments.map(({ statuses }) => statuses.at(-1)?.["state"])).toEqual(["inactive"]);
  });

  it("a document that ends previews no longer does not end one by that [terraform-spacelift-cloud-infrastructure-automation#89]", async () => {
    const { open, end, wait, write, stateOf } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    write(`host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED }, head: { send: PUSHED } }
`);

    await wait(10);

    expect(await stateOf()).toBe("LIVE");
  });

  it("what runs when a pull request is closed holds nothing afterwards, whenever it ends [atlantis#2124]", async () => {
    const { github, open, end, pass, wait, findStack, stateOf, store, clock } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    await github.push(SHOP, 1, toCommit(2));
    await pass(25);
    const attemptId = (await findStack())?.runs[0]?.attemptId ?? "";

    await github.closePull(SHOP, 1);
    await pass(25);
    await end("TASK_CANCELLED", "up");
    await end("TASK_COMPLETED", "down");
    expect(await stateOf()).toBeUndefined();
    const stackId = "shop-pr-1";
    const message = { event: "TASK_COMPLETED", stackId, task: { name: "up" }, dispatchId: attemptId };
    await store.enqueue([{ id: `result:${attemptId}`, stackId, origin: "worker", receivedAt: clock.now(), message }]);
    await wait(10);

    expect(await stateOf()).toBeUndefined();
  });

  it("a preview whose label is removed before it is closed ends then [claim-additional-payments#3053]", async () => {
    const { github, open, end, pass, wait, stateOf } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    github.settings.deliveryFault = "vanish";
    await github.unlabelPull(SHOP, 1, "preview");
    await github.closePull(SHOP, 1);

    await wait(5);
    await pass(3);

    expect(await stateOf()).toBe("CLEAN-UP");
  });

  it("one whose pull request was closed is not created again by the labels that it keeps [activepieces#14951]", async () => {
    const { github, open, end, pass, wait, stateOf, published } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    await github.closePull(SHOP, 1);
    await pass(5);
    await end("TASK_COMPLETED", "down");
    expect(await stateOf()).toBeUndefined();
    const sent = published.length;

    await github.labelPull(SHOP, 1, "reviewed");
    await github.labelPull(SHOP, 1, "preview");
    await pass(5);
    await wait(65);

    expect([await stateOf(), published.length]).toEqual([undefined, sent]);
  });

  it("documents that cannot be read for a while end nothing, and what they missed is made up for [argo-cd#18480]", async () => {
    const { github, open, end, pass, poll, clock, write, stateOf, tick, folder } = await createBench();
    const document = readFileSync(join(folder, "shop.yaml"), "utf8");
    await open();
    await end("TASK_COMPLETED", "up");
    await open(2);
    write("host: [");
    await github.closePull(SHOP, 2);
    for (let round = 0; round < 4; round += 1) {
      await clock.advance(300_000);
      await expect(tick()).rejects.toThrow("Deliveries wait until mapping documents are corrected");
      await poll().catch(() => undefined);
    }
    expect([await stateOf(), await stateOf("shop-pr-2")]).toEqual(["LIVE", "ROLL"]);

    write(document);
    await pass(5);

    expect([await stateOf(), await stateOf("shop-pr-2")]).toEqual(["LIVE", "CLEAN-UP"]);
  });

  it("one that a person has ended returns with the next commit, and not by itself [argo-cd#17312]", async () => {
    const { github, open, end, pass, send, wait, stateOf, listFaults } = await createBench();
    await open();
    await end("TASK_COMPLETED", "up");
    await send("CLOSED");
    await end("TASK_COMPLETED", "down");
    await wait(15);
    expect([await stateOf(), await listFaults()]).toEqual([undefined, []]);

    await github.push(SHOP, 1, toCommit(2));
    await pass(5);

    expect(await stateOf()).toBe("ROLL");
  });

  it("pull requests beyond the first page of a list keep their previews [argo-cd#29635]", async () => {
    const { github, wait, pass, stateOf, published } = await createBench();
    github.settings.deliveryFault = "vanish";
    const count = 103;
    for (let number = 1; number <= count; number += 1) await github.openPull(SHOP, { head: toCommit(1) });
    await wait(5);
    await pass(5);
    expect(published).toHaveLength(count);

    await wait(10);

    expect(published).toHaveLength(count);
    expect(await stateOf(`shop-pr-${count}`)).toBe("ROLL");
  });
});
