import { listHookDeliveries } from "@stackyard/core/services";
import type { DeliveryFault, HostSim } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitHubBench, type GitHubBench, SHOP } from "../testing/github-bench.ts";
import { dieAtCall, NOW } from "../testing/hosts-bench.ts";

const MINUTE = 60_000;

const benches: GitHubBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench() {
  const bench = await createGitHubBench();
  benches.push(bench);
  return bench;
}

/** Opens, changes and closes pull requests. */
async function change(github: HostSim, step: () => Promise<unknown>): Promise<void> {
  const first = await github.openPull(SHOP, { head: toCommit(1) });
  const second = await github.openPull(SHOP, { head: toCommit(1) });
  await step();
  await github.push(SHOP, first, toCommit(2));
  await github.push(SHOP, first, toCommit(3));
  await github.closePull(SHOP, second);
  await github.openPull(SHOP, { head: toCommit(4), labels: [] });
  await step();
}

/** What was finally sent, however it got there. */
function toEvents(published: readonly string[]): readonly string[] {
  return published.map((id) => id.replace(/^github\/converge\/\d+\/(\d+)\/(\w+)\/.*$/, "$1 $2"));
}

/** A request takes so long. */
function passAtNextRequest(github: HostSim, pass: () => Promise<void>): void {
  github.settings.intercept = async (_, proceed) => {
    github.settings.intercept = undefined;
    await pass();
    return proceed();
  };
}

describe("pull requests that are read every five minutes", () => {
  it("lead to the same stacks when every delivery was lost", { tags: "adapter" }, async () => {
    const { github, start, clock, published } = await createBench();
    const { poll, tick } = start();
    github.settings.deliveryFault = "vanish";

    await change(github, async () => {
      await poll();
      await tick();
      await clock.advance(5 * MINUTE);
    });

    expect(toEvents(published).toSorted()).toEqual(["1 head", "1 open", "2 closed", "2 open"]);
  });

  it.each<DeliveryFault>(["double", "hold"])("add nothing to deliveries with the fault %s", async (fault) => {
    const { github, start, clock, store, published } = await createBench();
    const { poll, tick } = start();
    github.settings.deliveryFault = fault;

    await change(github, async () => {
      await github.releaseReversed();
      await tick();
      await poll();
      await tick();
      await clock.advance(5 * MINUTE);
    });

    const { items } = await store.records.list("hooks/pulls/", { limit: 10, now: clock.now() });
    const stacks = items.map(({ value }) => value).filter((value) => "last" in Object(value));
    expect(stacks).toMatchObject([
      { phase: "open", head: toCommit(3), target: { stackId: "shop-pr-1" } },
      { phase: "none", target: { stackId: "shop-pr-2" } },
    ]);
    expect(published.filter((id) => id.includes("/converge/"))).toEqual([]);
  });

  it("find a pull request that was closed while the yard was stopped, after its start", async () => {
    const { github, start, published } = await createBench();
    const before = start();
    await github.openPull(SHOP, { head: toCommit(1) });
    await before.tick();
    github.settings.deliveryFault = "vanish";
    await github.closePull(SHOP, 1);
    const after = start();

    await after.poll();
    await after.tick();

    expect(toEvents(published.slice(1))).toEqual(["1 closed"]);
  });

  it("return to an earlier state under new ids", async () => {
    const { github, start, clock, published } = await createBench();
    const { poll, tick } = start();
    github.settings.deliveryFault = "vanish";
    await github.openPull(SHOP, { head: toCommit(1) });
    for (const again of [() => github.closePull(SHOP, 1), () => github.reopenPull(SHOP, 1), async () => undefined]) {
      await poll();
      await tick();
      await clock.advance(5 * MINUTE);
      await again();
    }

    expect(toEvents(published)).toEqual(["1 open", "1 closed", "1 open"]);
    expect(new Set(published).size).toBe(3);
  });

  it("are read at the start and then every five minutes, and change nothing that is right", async () => {
    const { github, start, clock, store } = await createBench();
    const { poll, tick } = start();
    await github.openPull(SHOP, { head: toCommit(1) });
    await tick();
    const countRead = () => github.requests.filter((request) => request.includes("/pulls?")).length;
    expect(await poll()).toBe(NOW + MINUTE);
    const before = await store.records.list("", { limit: 100, now: clock.now() });
    await clock.advance(4 * MINUTE);
    await poll();
    expect(countRead()).toBe(1);
    await clock.advance(MINUTE);

    await poll();

    expect(countRead()).toBe(2);
    expect(await store.records.list("", { limit: 100, now: clock.now() })).toEqual(before);
  });

  it("are left to the next turn when reading has taken its minute, without a tick", async () => {
    const { github, start, clock } = await createBench();
    const { poll, findPollDue } = start();
    await poll();
    await clock.advance(5 * MINUTE);
    const countRead = () => github.requests.filter((request) => request.includes("/pulls?")).length;
    passAtNextRequest(github, () => clock.advance(MINUTE));

    expect(await findPollDue()).toBe(clock.now() + 1);
    expect(countRead()).toBe(1);
    await findPollDue();
    expect(countRead()).toBe(2);
  });

  it("take a request for a hundred of them", async () => {
    const { github, start, queue } = await createBench();
    const { poll } = start();
    github.settings.receiver = undefined;
    for (let each = 0; each < 1_000; each++) await github.openPull(SHOP, { head: toCommit(1) });

    await poll();

    expect(github.requests.filter((request) => request.includes("/pulls?"))).toHaveLength(10);
    // The first round also reads who has installed the App and where, and creates the tokens for that and for the repository.
    const others = github.requests.filter((request) => !/\/(pulls|deliveries)\?/.test(request));
    expect(others).toHaveLength(4);
    expect((await queue.claim(2_000)).claims).toHaveLength(1_000);
  });

  it("wait as long as GitHub requests, and are read in the next round", async () => {
    const { github, start, clock, published } = await createBench();
    const { poll, tick } = start();
    await poll();
    github.settings.deliveryFault = "vanish";
    await github.openPull(SHOP, { head: toCommit(1) });
    await clock.advance(5 * MINUTE);
    github.settings.requestFault = () => ({ status: 403, retryAfterSeconds: 400 });
    await expect(poll()).rejects.toThrow(/secondary rate limit/);
    github.settings.requestFault = undefined;
    const asked = github.requests.length;
    await clock.advance(5 * MINUTE);
    await expect(poll()).rejects.toThrow("GitHub asks to wait 100 s.");
    expect(github.requests.length).toBe(asked);
    await clock.advance(5 * MINUTE);

    await poll();
    await tick();

    expect(toEvents(published)).toEqual(["1 open"]);
  });
});

describe("deliveries that did not reach the receiver", () => {
  async function createStarted() {
    const bench = await createBench();
    const { github, start, clock, store } = bench;
    const process = start();
    await github.openPull(SHOP, { head: toCommit(1) });
    await process.tick();
    await process.poll();
    await clock.advance(MINUTE);
    const list = async () => (await listHookDeliveries({ records: store.records, clock }, { limit: 100 })).items;
    return { ...bench, ...process, list };
  }

  it("are taken within a minute, each once, in their order", async () => {
    const { github, poll, tick, clock, list, published } = await createStarted();
    github.settings.deliveryFault = "lose";
    await github.labelPull(SHOP, 1, "seed");
    await github.comment(SHOP, 1, "/preview status");
    await github.comment(SHOP, 1, "/preview stauts");
    const countBodies = () => github.requests.filter((request) => /deliveries\/\d+$/.test(request)).length;

    for (let minute = 0; minute < 7; minute++) {
      await poll();
      await tick();
      await clock.advance(MINUTE);
    }

    expect(countBodies()).toBe(3);
    expect(published.map((id) => id.replace(/^github\/[^/]+\//, ""))).toEqual(["pull.open", "seed"]);
    expect((await list()).map(({ what, outcome }) => [what, outcome?.kind])).toEqual(
      expect.arrayContaining([
        ["pull.labeled", "events"],
        ["command.status", "nothing"],
        ["command.unknown", "refused"],
      ]),
    );
  });

  it("are taken although they are larger than a Lambda function accepts", async () => {
    const { github, poll, tick, list } = await createStarted();
    const { receiver } = github.settings;
    const statuses: (number | undefined)[] = [];
    github.settings.receiver = async (delivery) => {
      const isRefused = Buffer.byteLength(delivery.body) > 6 * 1_048_576;
      statuses.push(isRefused ? 413 : await receiver?.(delivery));
      return statuses.at(-1) ?? 500;
    };
    await github.comment(SHOP, 1, `/preview status\n${"x".repeat(7 * 1_048_576)}`);

    await poll();
    await tick();

    expect(statuses).toEqual([413]);
    expect((await list()).filter(({ what }) => what === "command.status")).toHaveLength(1);
  });

  it("are all read where GitHub cannot reach the yard, as often as the options say", async () => {
    const bench = await createGitHubBench(undefined, { pull: "only" });
    benches.push(bench);
    const { github, start, clock, published } = bench;
    const { poll, tick } = start();
    // Another server answers at the address of the webhook.
    github.settings.receiver = async () => 200;
    await poll();
    await github.openPull(SHOP, { head: toCommit(1) });
    await github.labelPull(SHOP, 1, "seed");
    await clock.advance(MINUTE);

    for (let each = 0; each < 3; each++) {
      await poll();
      await tick();
      await clock.advance(MINUTE);
    }

    expect(published.map((id) => id.split("/").at(-1)).toSorted()).toEqual(["pull.open", "seed"]);
  });

  it("are taken by the next process, also when they were sent while none ran", async () => {
    const { github, start, clock, published } = await createStarted();
    github.settings.receiver = undefined;
    await github.labelPull(SHOP, 1, "seed");
    await clock.advance(60 * MINUTE);
    const next = start();

    await next.poll();
    await next.tick();

    expect(published.at(-1)).toMatch(/\/seed$/);
  });

  it("are taken once, whichever call of the store is the last of a process", async () => {
    const { github, start, clock, queue, published } = await createStarted();
    const next = start();
    github.settings.deliveryFault = "lose";
    for (let at = 1, hasDied = true; hasDied; at++) {
      await github.labelPull(SHOP, 1, "seed");
      const death = dieAtCall(at, "after");
      await start(death.toStore)
        .poll()
        .catch(() => undefined);
      hasDied = death.hasDied();
      await clock.advance(6 * MINUTE);

      await next.poll();
      await next.tick();

      const seeds = published.filter((id) => id.endsWith("/seed"));
      expect({ at, seeds: seeds.length }).toEqual({ at, seeds: at });
      expect((await queue.list({ limit: 10 })).items).toEqual([]);
    }
    expect(published.length).toBeGreaterThan(5);
  });

  it("are not taken again after they were delivered once more", async () => {
    const { github, poll, tick, list } = await createStarted();
    const { receiver } = github.settings;
    let tries = 0;
    github.settings.receiver = async (delivery) => {
      const status = (await receiver?.(delivery)) ?? 500;
      tries += 1;
      return tries === 1 ? 504 : status;
    };
    await github.labelPull(SHOP, 1, "seed");
    const before = (await list()).length;

    await poll();
    await tick();

    expect((await list()).length).toBe(before);
    expect((await list()).filter(({ what }) => what === "pull.labeled")).toHaveLength(1);
  });

  it("that become due while pull requests are read are left to the next turn, without a tick", async () => {
    const { github, start, clock } = await createBench();
    const { poll, findPollDue } = start();
    await poll();
    await clock.advance(4 * MINUTE + 10_000);
    await findPollDue();
    await clock.advance(50_000);
    const countRead = () => github.requests.filter((request) => request.includes("/deliveries?")).length;
    const before = countRead();
    passAtNextRequest(github, () => clock.advance(30_000));

    expect(await findPollDue()).toBe(clock.now() + 1);
    expect(countRead()).toBe(before);
    await findPollDue();
    expect(countRead()).toBe(before + 1);
  });

  it("of the time before the yard began are left", async () => {
    const { github, start, published } = await createBench();
    const { poll, tick } = start();
    github.settings.deliveryFault = "lose";
    await github.openPull(SHOP, { head: toCommit(1) });
    await github.labelPull(SHOP, 1, "seed");

    await poll();
    await tick();

    expect(toEvents(published)).toEqual(["1 open"]);
  });
});
