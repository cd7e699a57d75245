import { pullFaults } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { NOW, signedByGitHub, toPullBody } from "../testing/hosts-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const MINUTE = 60_000;

const HEAD = "version: 2\nevents: [OPENED, PUSHED, CLOSED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n";
/** Its clean-up takes long. */
const LONG = `${HEAD}  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true, tasks: [off] }
tasks:
  off: { executor: lambda, timeout: 6h, config: { name: off } }
`;
/** Its roll-out takes long. */
const BUSY = `${HEAD.replace("LIVE", "ROLL-OUT")}  ROLL-OUT: { tasks: [on], on: { NEXT: LIVE } }
  LIVE: { on: { PUSHED: ROLL-OUT, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
tasks:
  on: { executor: lambda, timeout: 6h, config: { name: on } }
`;

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(machine: string, document?: string) {
  const bench = await createReportBench(document, { machine });
  benches.push(bench);
  return bench;
}

describe("an event that the yard has given up", () => {
  it("is sent again under a new id: a close during a roll-out of more than an hour", async () => {
    const { github, pass, stateOf, wait, settle, published } = await createBench(BUSY);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    await github.closePull(SHOP, 1);
    await pass(3);
    await wait(125);
    expect(await stateOf()).toBe("ROLL-OUT");

    await settle("on");
    await wait(5);
    await pass(3);

    expect(await stateOf()).toBeUndefined();
    expect(new Set(published).size).toBe(published.length);
    // One an hour, and not one every five minutes.
    expect(published.filter((id) => id.includes("closed")).length).toBeLessThan(5);
  });

  it("is sent again: a pull request is reopened during a clean-up of more than an hour", async () => {
    const { github, pass, stateOf, wait, settle } = await createBench(LONG);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    await github.closePull(SHOP, 1);
    await pass(3);
    await github.reopenPull(SHOP, 1);
    await pass(3);
    await wait(125);
    expect(await stateOf()).toBe("GONE");

    await settle("off");
    await wait(5);
    await pass(3);

    expect(await stateOf()).toBe("LIVE");
  });

  it("reaches the stack that is there: closed, pushed and reopened during a roll-out of more than an hour", async () => {
    const { github, pass, stateOf, wait, settle, store } = await createBench(BUSY);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    await github.closePull(SHOP, 1);
    await pass(3);
    await github.push(SHOP, 1, toCommit(2));
    await github.reopenPull(SHOP, 1);
    await pass(3);
    await wait(125);

    await settle("on");
    await wait(65);
    await pass(3);
    await settle("on");
    await pass(3);

    expect(await stateOf()).toBe("LIVE");
    const [loaded] = await store.load(["shop-pr-1"]);
    expect(loaded?.stack?.metadata).toMatchObject({ sha: toCommit(2) });
  });
});

describe("pull requests of one stack", () => {
  it("leave it to the first one, and the second learns whose it is [argo-cd#9442]", async () => {
    const document = `host: github
when: "hook.repository.fullName == 'acme/shop'"
machine: preview
stack: "br-\${hook.pull.base}"
pull: { open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }
`;
    const { github, pass, stateOf, wait, clock } = await createBench(LONG.replace(", tasks: [off]", ""), document);
    const first = await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    const stack = "br-main";
    expect(await stateOf(stack)).toBe("LIVE");
    const second = await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    await clock.advance(20_000);
    await pass(3);

    await github.closePull(SHOP, second);
    await pass(3);

    expect(await stateOf(stack)).toBe("LIVE");
    await github.reopenPull(SHOP, second);
    await github.closePull(SHOP, first);
    await pass(3);
    await wait(10);
    await pass(3);
    expect(await stateOf(stack)).toBe("LIVE");
  });
});

describe("a repository that was renamed", () => {
  it("keeps its previews: its documents are at fault [policy-bot#408]", async () => {
    const { github, pass, stateOf, wait, queue } = await createBench(LONG);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    github.renameRepository(SHOP, "acme/store");

    await github.labelPull("acme/store", 1, "seen");
    await pass(3);
    await wait(125);

    expect(await stateOf()).toBe("LIVE");
    const { items } = await queue.list({ limit: 10 });
    expect(JSON.stringify(items)).toContain('the repository \\"acme/shop\\" is \\"acme/store\\" now');
  });

  it("ends a preview whose pull request is closed there", async () => {
    const { github, pass, stateOf } = await createBench(LONG.replace(", tasks: [off]", ""));
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    github.renameRepository(SHOP, "acme/store");

    await github.closePull("acme/store", 1);
    await pass(3);

    expect(await stateOf()).toBeUndefined();
  });
});

describe("a repository whose earlier name another one has", () => {
  it.each([false, true])("keeps its previews, with the token of a user: %s [cla-assistant#779]", async (hasToken) => {
    const bench = await createReportBench(undefined, { machine: LONG, hasToken });
    benches.push(bench);
    const { github, pass, wait, stateOf } = bench;
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    await wait(5);
    github.renameRepository(SHOP, "acme/store");
    github.addRepository(SHOP);
    github.settings.deliveryFault = "vanish";
    await github.openPull(SHOP, { head: toCommit(9), labels: [] });
    await github.closePull(SHOP, 1);

    await wait(10);
    await pass(3);

    expect(await stateOf()).toBe("LIVE");
  });
});

describe("a repository that was deleted", () => {
  it("ends its previews by a signed delivery that says that it is closed", async () => {
    const { github, pass, stateOf, post } = await createBench(LONG.replace(", tasks: [off]", ""));
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    github.removeRepository(SHOP);
    const body = toPullBody({ action: "closed", state: "closed", updatedAt: NOW + MINUTE }).replace(
      '"number":7',
      '"number":1',
    );

    await post(body, signedByGitHub(body, "gone-1"));
    await pass(3);

    expect(await stateOf()).toBeUndefined();
  });

  it("lists and notifies previews that are kept, until they can be read again", async () => {
    const { github, pass, stateOf, wait, store, clock } = await createBench(LONG);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    const list = () => pullFaults.list({ records: store.records, clock }, { limit: 10 });
    const listNotices = async () =>
      (await store.records.list("notices/log/", { limit: 10, now: clock.now() })).items.map(({ value }) => value);
    github.settings.isInstalled = false;

    await wait(20).catch(() => undefined);

    const reason = "github refuses the App or the token.";
    expect((await list()).items).toMatchObject([{ stackId: "shop-pr-1", reason }]);
    expect(await listNotices()).toMatchObject([{ kind: "pull-unreadable", stackId: "shop-pr-1" }]);
    expect(await stateOf()).toBe("LIVE");

    github.settings.isInstalled = true;
    await wait(20);

    expect((await list()).items).toEqual([]);
    expect(await stateOf()).toBe("LIVE");
  });

  it("lists them also when the repository is not in the list any more", async () => {
    const { github, pass, wait, store, clock } = await createBench(LONG);
    github.addRepository("acme/other");
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    github.removeRepository(SHOP);

    await wait(130);

    const { items } = await pullFaults.list({ records: store.records, clock }, { limit: 10 });
    expect(items.map(({ stackId }) => stackId)).toEqual(["shop-pr-1"]);
    expect(Number(items[0]?.since)).toBeLessThan(clock.now() - 100 * MINUTE);
  });

  it("are not among them while a limit of GitHub is used up, which also answers 403 [hub4j/github-api#220]", async () => {
    const { github, clock, poll, pass, stateOf, store, published } = await createBench(LONG);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(3);
    github.settings.deliveryFault = "vanish";
    const second = await github.openPull(SHOP, { head: toCommit(2) });
    const limitedUntil = clock.now() / 1_000 + 1_800;
    github.settings.requestFault = () => ({ status: 403, limitedUntil });
    for (let passed = 0; passed < 30; passed += 5) {
      await clock.advance(5 * MINUTE);
      await poll().catch(() => undefined);
      await pass(1);
    }

    expect((await pullFaults.list({ records: store.records, clock }, { limit: 10 })).items).toEqual([]);
    expect(await stateOf()).toBe("LIVE");
    github.settings.requestFault = undefined;
    await clock.advance(5 * MINUTE);
    await poll();
    await pass(3);
    expect(published.at(-1)).toContain(`converge/424242/${second}/open`);
  });
});
