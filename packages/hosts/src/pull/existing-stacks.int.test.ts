import { rmSync } from "node:fs";
import { join } from "node:path";
import { createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const MACHINE = `version: 2
events: { OPENED: {}, PUSHED: {}, CLOSED: {}, SLEEP: {} }
metadata: { sha: { type: string } }
revision: follow
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SLEEP: ASLEEP, CLOSED: GONE } }
  ASLEEP: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const PULLS = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
rules:
  sleep: { on: command.sleep, send: SLEEP }
`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function open() {
  const bench = await createReportBench(PULLS, { machine: MACHINE });
  ends.push(bench.stop);
  const { github, pass, report, reports } = bench;
  await report();
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(20);
  return {
    ...bench,
    listChecks: () => reports.checks.map(({ set }) => `${String(set["head_sha"])[0]} ${set["conclusion"]}`),
  };
}

/** What may be changed in a document while stacks live. */
const CHANGES: readonly (readonly [string, (document: string) => string])[] = [
  ["another machine", (document) => document.replace("machine: preview", "machine: preview2")],
  ["another template of stacks", (document) => document.replace("shop-pr-", "web-pr-")],
];

describe.each(CHANGES)("a document with %s", (_, change) => {
  it("says what new stacks are: head, command and close go to what exists [AirQo#905, frost#240]", async () => {
    const { github, pass, wait, write, locator, stateOf, findStack, listChecks } = await open();
    const machines = ["preview", "preview2"].map((name) => {
      const { machine } = parseMachine(MACHINE, { name });
      if (machine === undefined) throw new Error("The machine is invalid.");
      return { machine, source: MACHINE };
    });
    Object.assign(locator, createStaticLocator(machines));
    write(change(PULLS));
    await wait(10);

    await github.push(SHOP, 1, toCommit(2));
    await pass(20);
    expect((await findStack())?.metadata).toEqual({ sha: toCommit(2) });
    expect(listChecks()).toContain("2 success");

    await github.comment(SHOP, 1, "/preview sleep");
    await pass(10);
    expect(await stateOf()).toBe("ASLEEP");

    await github.closePull(SHOP, 1);
    await pass(10);
    expect(await stateOf()).toBeUndefined();
  });
});

describe("a stack that a person removed by force", () => {
  it("is not opened by a push, with or without a webhook, and by a person who asks for it [Dokploy#4893]", async () => {
    const { github, publish, pass, wait, stateOf } = await open();
    await publish({ event: "REMOVE_STACK", force: true, reason: "leaving" });

    await github.push(SHOP, 1, toCommit(2));
    await pass(5);
    github.settings.deliveryFault = "vanish";
    await github.push(SHOP, 1, toCommit(3));
    await wait(30);
    await pass(5);
    expect(await stateOf()).toBeUndefined();

    github.settings.deliveryFault = undefined;
    await github.comment(SHOP, 1, "/preview up");
    await pass(10);
    expect(await stateOf()).toBe("LIVE");
  });
});

describe("a yard that is left as docs/leaving.md says", () => {
  it("brings nothing back by a push, and ends nothing by a close", async () => {
    const { github, folder, publish, published, pass, wait, stateOf } = await open();
    rmSync(join(folder, "shop.yaml"));
    github.settings.deliveryFault = "vanish";
    await publish({ event: "REMOVE_STACK", force: true, reason: "leaving Stackyard" });
    const before = published.length;

    await github.push(SHOP, 1, toCommit(2));
    await wait(30);
    await pass(5);
    await github.closePull(SHOP, 1);
    await wait(30);
    await pass(5);

    expect([await stateOf(), published.length]).toEqual([undefined, before]);
  });
});

/** The machine of an environment that was adopted: only a push applies it. */
const ADOPTED = `version: 2
events: { ADOPTED: {}, OPENED: {}, PUSHED: {}, CLOSED: {} }
metadata: { sha: { type: string } }
revision: follow
states:
  INIT: { on: { ADOPTED: LIVE, OPENED: APPLY } }
  APPLY: { leaving: wait, tasks: [on], on: { NEXT: LIVE } }
  LIVE: { on: { PUSHED: APPLY, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  on: { executor: lambda, timeout: 6h, config: { name: on } }
`;

describe("a stack that was adopted before the host was connected", () => {
  it("is taken as it is, and applied by the next push", async () => {
    const bench = await createReportBench(PULLS.slice(0, PULLS.indexOf("rules:")), { machine: ADOPTED });
    ends.push(bench.stop);
    const { github, publish, pass, wait, stateOf, settle, published, report } = bench;
    await report();
    await publish({ event: "ADOPTED", machine: "preview", metadata: { sha: toCommit(1) } });
    github.settings.deliveryFault = "vanish";
    await github.openPull(SHOP, { head: toCommit(1) });
    github.settings.deliveryFault = undefined;

    await wait(90);
    await pass(10);
    expect([await stateOf(), published.filter((id) => id.startsWith("github/"))]).toEqual(["LIVE", []]);

    await github.push(SHOP, 1, toCommit(2));
    await pass(10);
    expect(await stateOf()).toBe("APPLY");

    await settle("on");
    await github.closePull(SHOP, 1);
    await pass(10);
    expect(await stateOf()).toBeUndefined();
  });
});
