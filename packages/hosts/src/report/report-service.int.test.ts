import { defined } from "@stackyard/core";
import { createKeyedQueue } from "@stackyard/core/services";
import { afterEach, describe, expect, it, vi } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { dieAtCall } from "../testing/hosts-bench.ts";
import { createReportBench, type ReportBench } from "../testing/report-bench.ts";
import { listReports } from "./report-records.ts";
import { requestReport } from "./report-service.ts";

const MINUTE = 60_000;

const benches: ReportBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

/** No worker takes its task. */
const BUSY_MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { tasks: [seed], on: { CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
tasks:
  seed: { executor: lambda, config: { functionName: seed } }
`;

const TWO_STATES = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: NEWER, CLOSED: GONE } }
  NEWER: { on: { CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
`;

async function createBench(machine?: string) {
  const bench = await createReportBench(undefined, defined({ machine }));
  benches.push(bench);
  // The follower begins with the newest line.
  await bench.report();
  const bodies = () => bench.reports.comments.filter(({ appId }) => appId !== undefined).map(({ body }) => body);
  const listRecords = async (prefix: string) => {
    const { items } = await bench.store.records.list(prefix, { limit: 100, now: bench.clock.now() });
    return items.map(({ value }) => value as Readonly<Record<string, unknown>>);
  };
  const findState = async (stackId: string) => (await bench.store.load([stackId]))[0]?.stack?.state;
  const listNotices = () => listRecords("notices/log/");
  const listQueued = () => listRecords("queue/reports-github/");
  return {
    ...bench,
    bodies,
    findState,
    listNotices,
    listQueued,
    listRecords,
    open: () => bench.github.openPull(SHOP, { head: toCommit(1) }),
  };
}

/** Lets what is queued and has failed become dead letters with its next failure. */
async function makeDead({ store, clock }: Pick<ReportBench, "store" | "clock">): Promise<void> {
  const { items } = await store.records.list("queue/reports-github/", { limit: 10, now: clock.now() });
  for (const { key, value, version } of items) {
    const item = value as { readonly failure: object };
    const failure = { ...item.failure, firstAt: clock.now() - 24 * 60 * MINUTE };
    await store.records.put({ key, value: { ...item, failure }, expected: version, now: clock.now() });
  }
}

describe("the comment of a pull request", () => {
  it("is written once, follows its stack, and says when it has ended", { tags: "adapter" }, async () => {
    const { github, open, pass, bodies } = await createBench();
    await open();
    await pass(20);
    expect(bodies()).toEqual([expect.stringContaining("Preview `shop-pr-1` is ready, in the state `LIVE`")]);
    expect(bodies()[0]).toContain("* Details: [`console`](https://yard.example.org/stack?id=shop-pr-1)");

    await github.closePull(SHOP, 1);
    await pass(20);

    expect(bodies()).toEqual([expect.stringContaining("Preview `shop-pr-1` has ended")]);
  });

  it("is written although the history cannot be read", async () => {
    const { open, pass, report, store, clock, listQueued } = await createBench();
    await open();
    await pass(20);
    const queue = createKeyedQueue({ records: store.records, clock, random: () => 0 }, "reports-github");
    for await (const { place } of listReports({ records: store.records, clock }, "github")) {
      await requestReport(queue, { place, answers: [] });
    }
    await clock.advance(20_000);
    expect(await listQueued()).toHaveLength(1);
    const { listHistory } = store.queries;
    // That of one stack can be read: the report shows it.
    const reading = vi.spyOn(store.queries, "listHistory").mockImplementation(async (filter, page) => {
      if (filter.stackId === undefined) throw new Error("no history");
      return listHistory(filter, page);
    });

    await expect(report()).rejects.toThrow("no history");

    reading.mockRestore();
    expect(await listQueued()).toEqual([]);
  });

  it("is not written again while nothing changes", async () => {
    const { github, open, pass, listWrites, clock, report } = await createBench();
    await open();
    await pass(20);
    const before = github.requests.length;

    await github.labelPull(SHOP, 1, "other");
    await pass(20);
    await clock.advance(60 * MINUTE);
    await report();

    expect(listWrites(before)).toEqual([]);
  });

  it("is made again every 30 seconds while tasks run, and written when it differs", async () => {
    const { github, open, pass, clock, listWrites, listQueued } = await createBench(BUSY_MACHINE);
    await open();
    await pass(20);
    const before = github.requests.length;
    const waits: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      await pass(30);
      waits.push(...(await listQueued()).map(({ dueAt }) => Number(dueAt) > clock.now() + 10_000));
    }

    expect({ waits, writes: listWrites(before) }).toEqual({ waits: [true, true, true], writes: [] });
  });

  it("returns with the next push when a person has deleted it", async () => {
    const { github, reports, open, pass, bodies } = await createBench();
    await open();
    await pass(20);
    reports.removeComment(reports.comments[0]?.id ?? 0);
    await github.comment(SHOP, 1, "/preview sleep");
    await pass(20);
    expect(bodies()).toEqual([]);

    await github.push(SHOP, 1, toCommit(2));
    await pass(20);

    expect(bodies()).toEqual([expect.stringContaining("`LIVE`")]);
  });

  it("says how the head of a fork becomes trusted, until it is", async () => {
    const { github, pass, bodies } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1), fork: true });
    await pass(20);
    expect(bodies()).toEqual([expect.stringContaining(`/preview trust ${toCommit(1)}`)]);

    await github.comment(SHOP, 1, `/preview trust ${toCommit(1)}`);
    await pass(20);

    expect(bodies()).toEqual([expect.not.stringContaining("/preview trust")]);
    expect(bodies()).toEqual([expect.stringContaining("`LIVE`")]);
  });

  it("is written right after the host answers again", async () => {
    const { github, open, tick, pass, bodies, clock, report } = await createBench();
    await open();
    await tick();
    github.settings.requestFault = () => ({ status: 503 });
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(MINUTE);
      await report();
    }
    const asked = github.requests.length;
    github.settings.requestFault = undefined;

    await pass(60);

    expect(asked).toBeLessThan(400);
    expect(bodies()).toHaveLength(1);
  });

  it("waits as long as the host asks, and nothing is sent meanwhile", async () => {
    const { github, open, tick, pass, clock, report, bodies } = await createBench();
    await open();
    await tick();
    await clock.advance(1_000);
    await report();
    await clock.advance(5_000);
    github.settings.requestFault = (method, path) =>
      method === "POST" && path.endsWith("/comments") ? { status: 403, retryAfterSeconds: 300 } : undefined;
    await report();
    github.settings.requestFault = undefined;
    const before = github.requests.length;

    await clock.advance(299_000);
    await report();
    expect(github.requests.length).toBe(before);
    await pass(10);

    expect(bodies()).toHaveLength(1);
  });

  it("waits while the host refuses the App's key, which doctor shows", async () => {
    const { github, open, tick, pass, clock, report, bodies, listNotices } = await createBench();
    await open();
    await tick();
    await clock.advance(1_000);
    await report();
    await clock.advance(5_000);
    github.settings.requestFault = () => ({ status: 401 });
    await expect(report()).rejects.toThrow("Nothing is reported to github: it refuses the App's key or the token.");
    expect(await listNotices()).toMatchObject([
      { kind: "reports-stopped", title: "Reports to github have stopped", data: { host: "github", repository: null } },
    ]);
    github.settings.requestFault = undefined;
    await clock.advance(60_000);

    await pass(5);

    expect(bodies()).toHaveLength(1);
  });

  it("is not written twice when a request has succeeded without an answer", async () => {
    const { github, open, tick, pass, clock, report, bodies } = await createBench();
    await open();
    await tick();
    await clock.advance(1_000);
    await report();
    await clock.advance(5_000);
    github.settings.requestFault = (method, path) =>
      method === "POST" && path.endsWith("/comments") ? { status: 502, afterDoing: true } : undefined;
    await report();
    github.settings.requestFault = undefined;
    expect(bodies()).toHaveLength(1);

    await pass(30);

    expect(bodies()).toEqual([expect.stringContaining("`LIVE`")]);
  });

  it("stops while the App is uninstalled, which people are notified of once, and continues by itself", async () => {
    const { github, open, tick, pass, bodies, listNotices, listQueued, findState } = await createBench();
    await open();
    await tick();
    github.settings.isInstalled = false;
    await pass(120);

    expect(await findState("shop-pr-1")).toBe("LIVE");
    expect(await listQueued()).toMatchObject([
      { key: "424242/1", failure: { count: expect.any(Number), message: expect.stringContaining("refuses") } },
    ]);
    expect(await listNotices()).toMatchObject([
      { kind: "reports-stopped", title: "Reports to acme/shop at github have stopped" },
    ]);
    expect(bodies()).toEqual([]);

    github.settings.isInstalled = true;
    await pass(300);
    expect(bodies()).toEqual([expect.stringContaining("`LIVE`")]);

    await github.push(SHOP, 1, toCommit(3));
    await tick();
    github.settings.requestFault = (method) => (method === "GET" ? undefined : { status: 403 });
    await pass(20);
    expect(await listNotices()).toHaveLength(2);
  });

  it("does not take an answer 404 of everything for a comment that a person has deleted", async () => {
    const { github, open, tick, pass, bodies } = await createBench();
    await open();
    await pass(20);
    await github.closePull(SHOP, 1);
    github.settings.requestFault = () => ({ status: 404 });
    await tick();
    await pass(60);
    const before = bodies();
    github.settings.requestFault = undefined;
    await pass(300);

    expect(before).toEqual([expect.stringContaining("`LIVE`")]);
    expect(bodies()).toEqual([expect.not.stringContaining("`LIVE`")]);
  });

  it("follows within two hours after days in which the App was uninstalled", async () => {
    const { github, open, tick, pass, bodies, listQueued, store, clock } = await createBench();
    await open();
    await open();
    await tick();
    github.settings.isInstalled = false;
    await pass(20);
    await makeDead({ store, clock });
    await pass(60);
    expect((await listQueued()).filter(({ deadAt }) => deadAt !== undefined)).toHaveLength(2);

    github.settings.isInstalled = true;
    await clock.advance(60 * MINUTE);
    await pass(20);

    expect(bodies()).toHaveLength(2);
  });

  it("has not stopped any more when nothing is left that the host could refuse", async () => {
    const { github, open, tick, pass, listRecords, store, clock } = await createBench();
    await open();
    await pass(20);
    github.settings.requestFault = (method) => (method === "GET" ? undefined : { status: 403 });
    await github.push(SHOP, 1, toCommit(2));
    await pass(20);
    await makeDead({ store, clock });
    await pass(60);
    expect(await listRecords("hooks/report-stops/")).toHaveLength(1);

    // What was written before is true again.
    await github.push(SHOP, 1, toCommit(1));
    await tick();
    github.settings.requestFault = undefined;
    await pass(20);
    await clock.advance(60 * MINUTE);
    await pass(20);

    expect(await listRecords("hooks/report-stops/")).toEqual([]);
  });

  it("is made again when the budget has room for it, however many wait", async () => {
    const { github, pass, store, clock, bodies } = await createBench(TWO_STATES);
    for (let pull = 0; pull < 20; pull++) await github.openPull(SHOP, { head: toCommit(1) });
    await pass(60);
    expect(bodies()).toHaveLength(20);
    // Half of an hour's comments are written; there is room for another one every ten seconds.
    const [budget] = (await store.records.list("hooks/budgets/", { limit: 1, now: clock.now() })).items;
    const span = Math.floor(clock.now() / 10_000);
    const comments = Array.from({ length: 225 }, (_, at) => [span - 360 + at, 1]);
    const value = { ...Object(budget?.value), comments };
    await store.records.put({ key: `${budget?.key}`, value, expected: budget?.version ?? 0, now: clock.now() });
    const get = vi.spyOn(store.records, "get");
    for (let pull = 1; pull <= 20; pull++) await github.push(SHOP, pull, toCommit(2));

    await pass(400);

    const renderings = get.mock.calls.filter(([key]) => key.startsWith("hooks/budgets/")).length;
    expect(bodies().filter((body) => body.includes("`NEWER`"))).toHaveLength(20);
    expect(renderings).toBeLessThan(150);
  });

  it("is looked up again after lines of the history were pruned", async () => {
    const { github, open, pass, tick, store, clock, bodies } = await createBench();
    await open();
    await pass(20);
    await github.closePull(SHOP, 1);
    await tick();
    await clock.advance(1_000);
    const retention = { historyMs: 1, eventIdMs: 1, eventIdCount: 1, deadLetterMs: 1, settledAttemptMs: 1 };
    await clock.advance(MINUTE);
    await store.prune(retention, clock.now());
    await github.openPull(SHOP, { head: toCommit(2) });

    await pass(20);

    expect(bodies()[0]).toContain("has ended");
  });

  it.each(["before", "after"] as const)("is one, %s whatever call of the store a process dies", async (when) => {
    const { github, start, pass, clock, bodies } = await createBench();
    let at = 1;
    for (let hasDied = true; hasDied; at++) {
      const next = start();
      await github.openPull(SHOP, { head: toCommit(1) });
      await next.tick();
      await clock.advance(1_000);
      const death = dieAtCall(at, when);
      const dying = start(death.toStore);
      await dying.report().catch(() => undefined);
      await clock.advance(4_000);
      await dying.report().catch(() => undefined);
      hasDied = death.hasDied();
      await clock.advance(61_000);
      await pass(5, next);

      expect({ at, count: bodies().length }).toEqual({ at, count: at });
    }
    expect(at).toBeGreaterThan(15);
  });
});
