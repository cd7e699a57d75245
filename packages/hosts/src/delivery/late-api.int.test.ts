import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const DOCUMENT = `host: github
when: "hook.repository.fullName == 'acme/shop'"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
rules: { extend: { on: command.extend, send: SEED } }
`;

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(options: Parameters<typeof createReportBench>[1] = {}) {
  const bench = await createReportBench(DOCUMENT, options);
  benches.push(bench);
  const { store, reports } = bench;
  const findStack = async () => (await store.load(["shop-pr-1"]))[0]?.stack;
  return {
    ...bench,
    stateOf: async () => (await findStack())?.state,
    shaOf: async () => (await findStack())?.metadata["sha"],
    /** The answers to comments of people: reactions, and texts that name the person. */
    listAnswers: () => [
      ...reports.comments.filter(({ appId }) => appId === undefined).map(({ reactions }) => reactions.join()),
      ...reports.comments.flatMap(({ body, appId }) => (appId === undefined ? [] : (/octocat: .*/.exec(body) ?? []))),
    ],
  };
}

describe("an API that is behind its webhooks", () => {
  it("does not hide the push of a delivery [octobot#75]", async () => {
    const { github, pass, shaOf } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    github.holdReads();

    await github.push(SHOP, 1, toCommit(2));
    await pass(5);

    expect(await shaOf()).toBe(toCommit(2));
  });

  it("does not undo a close, neither by a look-up nor by the comparison [rocq-prover/bot#1]", async () => {
    const { github, pass, poll, clock, stateOf } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    github.holdReads();

    await github.closePull(SHOP, 1);
    await pass(180);
    await clock.advance(300_000);
    await poll();
    await pass(30);

    expect(await stateOf()).toBeUndefined();
  });

  it("is read again soon: what it then says is newer than the delivery [strands-labs/robots#2539]", async () => {
    const { github, pass, shaOf } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    github.holdReads();
    await github.push(SHOP, 1, toCommit(2));
    await pass(5);
    // This one is lost, and the list of deliveries does not say so.
    github.settings.deliveryFault = "vanish";
    await github.push(SHOP, 1, toCommit(3));
    github.releaseReads();

    await pass(60);

    expect(await shaOf()).toBe(toCommit(3));
  });

  it("does not know a new pull request yet: the preview begins as soon as it does [atlantis#1019, test-infra#2229]", async () => {
    const { github, pass, stateOf, clock } = await createBench();
    github.holdReads();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(10);
    expect(await stateOf()).toBeUndefined();
    github.releaseReads();
    const before = clock.now();

    await pass(40);

    expect(await stateOf()).toBe("LIVE");
    expect(clock.now() - before).toBeLessThan(60_000);
  });

  it("does not make a command act on older facts: it waits until they are there", async () => {
    const { github, pass, listAnswers } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1), fork: true });
    await pass(5);
    github.holdReads();
    await github.push(SHOP, 1, toCommit(2));
    await pass(5);
    await github.comment(SHOP, 1, `/preview trust ${toCommit(2)}`);
    await pass(10);
    expect(listAnswers()).toEqual([""]);
    github.releaseReads();

    await pass(60);

    expect(listAnswers()).toEqual(["+1"]);
  });

  it("gets an answer to a command also if it never catches up", async () => {
    const { github, pass, listAnswers } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    github.holdReads();
    await github.push(SHOP, 1, toCommit(2));
    await pass(5);

    await github.comment(SHOP, 1, "/preview extend 1d");
    await pass(300);

    expect(listAnswers()).toEqual(["confused", expect.stringContaining("behind")]);
  });
});

describe("changes of one second", () => {
  it.each([
    ["in order", false],
    ["reversed", true],
  ])("a push and a close, delivered %s: the close counts", async (_, isReversed) => {
    const { github, pass, stateOf } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    if (isReversed) github.settings.deliveryFault = "hold";
    github.beginSecond();
    await github.push(SHOP, 1, toCommit(2));
    github.holdReads();
    await github.closePull(SHOP, 1);
    github.settings.deliveryFault = undefined;
    await github.releaseReversed();

    await pass(10);

    expect(await stateOf()).toBeUndefined();
  });

  it("a close and a reopen: the preview returns as soon as the API can be believed", async () => {
    const { github, pass, stateOf, shaOf } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    github.beginSecond();
    await github.closePull(SHOP, 1);
    await github.push(SHOP, 1, toCommit(2));
    await github.reopenPull(SHOP, 1);
    github.endSecond();

    await pass(300);

    expect([await stateOf(), await shaOf()]).toEqual(["LIVE", toCommit(2)]);
  });
});
