import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createGitLabBench } from "../testing/gitlab-bench.ts";
import { SECRET } from "../testing/hosts-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const MAIN = "refs/heads/main";
const BRANCHES = `host: github
when: "hook.repository.fullName == 'acme/shop'"
machine: preview
stack: "branch-\${hook.push.name}"
rules:
  up: { on: push.pushed, send: OPENED, metadata: { sha: "\${hook.push.head}" } }
  down: { on: push.deleted, send: CLOSED }
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
  wake: { on: command.wake, send: WAKE }
  seed: { on: pull.labeled, when: "hook.label == 'seed'", send: SEED }
  unseed: { on: pull.unlabeled, when: "hook.label == 'seed'", send: UNSEED }
`;
const MACHINE = `version: 2
events: { OPENED: {}, PUSHED: {}, CLOSED: {}, SLEEP: {}, WAKE: {}, SEED: {}, UNSEED: {} }
metadata: { sha: { type: string } }
revision: follow
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { OPENED: LIVE, PUSHED: LIVE, SLEEP: ASLEEP, SEED: SEEDED, CLOSED: GONE } }
  SEEDED: { on: { PUSHED: SEEDED, UNSEED: LIVE, CLOSED: GONE } }
  ASLEEP: { on: { WAKE: LIVE, PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
/** A roll-out that nothing interrupts. */
const BUSY = `version: 2
events: { OPENED: {}, PUSHED: {}, CLOSED: {} }
metadata: { sha: { type: string } }
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT: { tasks: [on], on: { NEXT: LIVE } }
  LIVE: { on: { PUSHED: ROLL-OUT, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  on: { executor: lambda, timeout: 6h, config: { name: on } }
`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function open(document: string, machine = MACHINE) {
  const bench = await createReportBench(document, { machine });
  ends.push(bench.stop);
  const { github, pass, poll, report, wait, findStack, store } = bench;
  await report();
  await poll();
  return {
    ...bench,
    /** Does something whose delivery does not reach the receiver. */
    async lose(act: () => Promise<unknown>) {
      github.settings.deliveryFault = "lose";
      await act();
      github.settings.deliveryFault = undefined;
      await bench.clock.advance(20_000);
    },
    /** Lost deliveries are read, and the hosts are compared. */
    async catchUp() {
      await wait(15);
      await pass(5);
    },
    shaOf: async (stackId: string) => (await findStack(stackId))?.metadata["sha"],
    async listEvents(stackId = "shop-pr-1") {
      const { items } = await store.queries.listHistory({ stackId }, { limit: 50 });
      return items.map(({ event, outcome, code }) => `${event} ${code ?? outcome}`);
    },
  };
}

describe("a push to a branch", () => {
  it("does not bring an older commit back that is delivered after a newer one [unkey#4899, fleet#4000]", async () => {
    const { github, pass, shaOf } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    github.settings.deliveryFault = "hold";
    await github.pushRef(SHOP, MAIN, toCommit(2));
    await github.pushRef(SHOP, MAIN, toCommit(3));
    github.settings.deliveryFault = undefined;

    await github.releaseReversed();
    await pass(180);

    expect(await shaOf("branch-main")).toBe(toCommit(3));
  });

  it("that was missed and is read after a later one changes nothing [slashdeploy#97]", async () => {
    const { github, pass, lose, catchUp, shaOf } = await open(BRANCHES);
    await lose(() => github.pushRef(SHOP, MAIN, toCommit(1)));
    await github.pushRef(SHOP, MAIN, toCommit(2));
    await pass(5);

    await catchUp();

    expect(await shaOf("branch-main")).toBe(toCommit(2));
  });

  it("that was never delivered is found by the comparison, as its end is", async () => {
    const { github, pass, catchUp, shaOf, findStack } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    github.settings.deliveryFault = "vanish";
    await github.pushRef(SHOP, MAIN, toCommit(2));

    await catchUp();
    expect(await shaOf("branch-main")).toBe(toCommit(2));

    await github.pushRef(SHOP, MAIN, undefined);
    await catchUp();
    expect(await findStack("branch-main")).toBeUndefined();
  });

  it("is believed where the App may not read contents, unless a later one was", async () => {
    const { github, pass, shaOf } = await open(BRANCHES);
    github.settings.missingRights = ["contents"];
    github.settings.deliveryFault = "hold";
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await github.pushRef(SHOP, MAIN, toCommit(2));
    github.settings.deliveryFault = undefined;

    await github.releaseReversed();
    await pass(30);

    expect(await shaOf("branch-main")).toBe(toCommit(2));
  });

  it("does not end a stack while the repository is not shown", async () => {
    const { github, pass, catchUp, shaOf } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    github.settings.requestFault = (_, path) => (path.startsWith("/repos/acme/shop") ? { status: 404 } : undefined);

    await catchUp();

    expect(await shaOf("branch-main")).toBe(toCommit(1));
  });

  it("that the yard refused is sent again once the machine allows it, and is listed until then", async () => {
    const { github, pass, catchUp, shaOf, install, listEvents } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    install(MACHINE.replace("OPENED: {}", `OPENED: { allow: "actor.kind == 'person'" }`));
    await github.pushRef(SHOP, MAIN, toCommit(2));
    await pass(5);
    await catchUp();
    expect(await shaOf("branch-main")).toBe(toCommit(1));

    install(MACHINE);
    await catchUp();

    expect(await shaOf("branch-main")).toBe(toCommit(2));
    await catchUp();
    expect(await listEvents("branch-main")).toEqual(["OPENED applied", "OPENED NOT_ALLOWED", "OPENED applied"]);
  });

  it("whose branch was deleted ends the stack once the machine allows it", async () => {
    const { github, pass, catchUp, install, findStack } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    install(MACHINE.replace("CLOSED: {}", `CLOSED: { allow: "actor.kind == 'person'" }`));
    await github.pushRef(SHOP, MAIN, undefined);
    await pass(5);
    await catchUp();
    expect(await findStack("branch-main")).toBeDefined();

    install(MACHINE);
    await catchUp();

    expect(await findStack("branch-main")).toBeUndefined();
  });

  it("does not open a stack again that a person removed by force", async () => {
    const { github, pass, publish, findStack } = await open(BRANCHES);
    await github.pushRef(SHOP, MAIN, toCommit(1));
    await pass(5);
    await publish({ stackId: "branch-main", event: "REMOVE_STACK", force: true, reason: "not needed" });

    await github.pushRef(SHOP, MAIN, toCommit(2));
    await pass(5);

    expect(await findStack("branch-main")).toBeUndefined();
  });
});

describe("a push to a branch at GitLab", () => {
  it("has the same body again after a push back, and another id [packit#3105, argo-events#537]", async () => {
    const bench = await createGitLabBench({ secret: SECRET });
    ends.push(bench.stop);
    const { gitlab, published, clock, write } = bench;
    const { tick } = bench.start();
    write(BRANCHES.replace("host: github", "host: gitlab"));

    for (const digit of [2, 1, 2]) {
      await gitlab.pushBranch("main", toCommit(digit));
      await tick();
      await clock.advance(60_000);
    }

    expect(published).toHaveLength(3);
  });
});

describe("a command", () => {
  it("that was missed does not undo the request after it [runs-on#539]", async () => {
    const { github, pass, lose, catchUp, stateOf, reports } = await open(PULLS);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    await lose(() => github.comment(SHOP, 1, "/preview sleep"));
    await github.comment(SHOP, 1, "/preview wake");
    await pass(5);

    await catchUp();

    expect(await stateOf()).toBe("LIVE");
    expect(reports.comments.map(({ body }) => body).join()).toContain("was asked of");
  });

  it("that wakes what is awake is answered, and does not end the next sleep", async () => {
    const { github, pass, send, stateOf, listEvents } = await open(PULLS);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    await github.comment(SHOP, 1, "/preview wake");
    await pass(10);

    await send("SLEEP");
    await pass(10);

    expect(await stateOf()).toBe("ASLEEP");
    expect(await listEvents()).toEqual(["OPENED applied", "SLEEP applied"]);
  });

  it("takes the place of an earlier one that is parked", async () => {
    const { github, pass, stateOf, listEvents, publish } = await open(
      PULLS,
      BUSY.replace("CLOSED: {} }", "CLOSED: {}, SLEEP: {}, WAKE: {} }"),
    );
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    await github.comment(SHOP, 1, "/preview wake");
    await pass(5);
    await github.comment(SHOP, 1, "/preview sleep");
    await pass(5);

    await publish({ event: "SETTLE_TASK", task: { name: "on" }, as: "succeeded", reason: "x" });

    expect(await listEvents()).toContain("WAKE EVENT_WITHDRAWN");
    expect(await stateOf()).toBe("LIVE");
  });
});

describe("a label", () => {
  it("that was removed before it is read asks for nothing [lifecycle#236, Dokploy#3956]", async () => {
    const { github, pass, lose, catchUp, stateOf, listEvents } = await open(PULLS);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    await lose(() => github.labelPull(SHOP, 1, "seed"));
    await github.unlabelPull(SHOP, 1, "seed");
    await pass(5);

    await catchUp();

    expect(await stateOf()).toBe("LIVE");
    expect(await listEvents()).not.toContain("SEED applied");
  });
});

describe("what a pull request had parked", () => {
  it("is withdrawn when its close is taken back", async () => {
    const { github, pass, settle, stateOf, listEvents } = await open(PULLS, BUSY);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    await github.closePull(SHOP, 1);
    await pass(5);
    await github.reopenPull(SHOP, 1);
    await pass(5);

    await settle("on");
    await pass(10);

    expect(await stateOf()).toBe("LIVE");
    expect(await listEvents()).toContain("CLOSED EVENT_WITHDRAWN");
  });

  it("is withdrawn when it has a newer head", async () => {
    const { github, pass, settle, listEvents, shaOf } = await open(PULLS, BUSY);
    await github.openPull(SHOP, { head: toCommit(1) });
    await pass(5);
    for (const digit of [2, 3]) {
      await github.push(SHOP, 1, toCommit(digit));
      await pass(5);
    }

    await settle("on");
    await pass(10);

    expect(await shaOf("shop-pr-1")).toBe(toCommit(3));
    expect((await listEvents()).filter((line) => line === "PUSHED EVENT_WITHDRAWN")).toHaveLength(1);
  });
});
