import { isMap, type Logger } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

/** Rows that no schema fits: of a deleted account, of an older version, and not even an object. */
const BAD = [{ id: 7, number: 7, user: "ghost", suspended_at: 0 }, { id: "8" }, null];

/** Adds rows that cannot be read to the first page of each list at GitHub. */
function addBadRows(_: string, body: unknown): unknown {
  if (Array.isArray(body)) return [...BAD, ...body];
  const { check_runs: checks, repositories } = Object(body);
  if (Array.isArray(checks)) return { ...Object(body), check_runs: [...BAD, ...checks] };
  return Array.isArray(repositories) ? { ...Object(body), repositories: [...BAD, ...repositories] } : body;
}

async function createBench(hasToken = false) {
  const warnings: string[] = [];
  const log = () => undefined;
  const logger: Logger = {
    debug: log,
    info: log,
    error: log,
    warn: (_, facts) => void warnings.push(JSON.stringify(facts)),
  };
  const bench = await createReportBench(undefined, { logger, hasToken });
  benches.push(bench);
  const { github, reports, pass } = bench;
  await bench.report();
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(20);
  github.settings.changeAnswer = addBadRows;
  return {
    ...bench,
    warnings,
    listOwn: () => reports.comments.filter(({ appId, login }) => appId !== undefined || login === "yard-bot"),
  };
}

describe("lists of GitHub with rows that cannot be read", () => {
  it.each([false, true])("do not hide the comment of the yard, with a token: %s [giscus#391]", async (hasToken) => {
    const { github, reports, pass, listOwn, warnings } = await createBench(hasToken);
    const [{ body } = { body: "" }] = listOwn();
    const number = await github.openPull(SHOP, { head: toCommit(2) });
    // Written by a process that has died since.
    reports.addComment({ repository: SHOP, number, body, ...(hasToken && { login: "yard-bot" }) });

    await pass(20);

    expect(listOwn().map((each) => each.number)).toEqual([1, number]);
    expect(warnings.filter((each) => each.includes(`comments of acme/shop#${number}`))).toEqual([
      expect.stringContaining('"numbers":[7,"without a number","without a number"]'),
    ]);
  });

  it("do not hide repositories and pull requests that follow from the comparison", async () => {
    const { github, start, clock, pass, published, warnings } = await createBench();
    github.settings.deliveryFault = "vanish";
    const number = await github.openPull(SHOP, { head: toCommit(3) });
    github.settings.deliveryFault = undefined;
    const other = start();
    await other.findPollDue();
    await other.poll();
    await clock.advance(300_000);
    await other.poll();
    await pass(10, other);

    expect(published.at(-1)).toContain(`converge/424242/${number}/open`);
    expect(warnings.join()).toContain("installations of the App");
    expect(warnings.join()).toContain("repositories of the installation 9");
    expect(warnings.some((each) => each.includes(SHOP) && each.includes('"numbers":[7,'))).toBe(true);
  });

  it("do not hide deliveries that were lost", async () => {
    const { github, clock, poll, findPollDue, pass, published, warnings } = await createBench();
    await findPollDue();
    await poll();
    github.settings.deliveryFault = "lose";
    const number = await github.openPull(SHOP, { head: toCommit(4) });
    github.settings.deliveryFault = undefined;

    await clock.advance(61_000);
    await poll();
    await pass(10);

    expect(warnings.join()).toContain("deliveries of the App");
    expect(published.at(-1)).toMatch(/^github\/[0-9a-f-]{36}\/pull\.open$/);
    expect(number).toBe(2);
  });

  it("do not make a yard read old deliveries when the newest one cannot be read", async () => {
    const { github, clock, poll, findPollDue, pass, published } = await createBench();
    const before = published.length;
    github.settings.deliveryFault = "lose";
    await github.labelPull(SHOP, 1, "seed");
    github.settings.changeAnswer = (path, body) =>
      path.includes("/deliveries") && Array.isArray(body) ? [BAD[0], ...body] : body;
    await findPollDue();
    await poll();
    await clock.advance(61_000);
    await poll();
    await pass(10);

    expect(published.slice(before)).toEqual([]);
  });

  it.each([
    ["has no request", 200],
    ["is not sent", 502],
  ])("do not hide the deliveries after one whose body %s", async (_, status) => {
    const { github, clock, poll, findPollDue, pass, published, warnings } = await createBench();
    github.settings.changeAnswer = undefined;
    await findPollDue();
    await poll();
    github.settings.deliveryFault = "lose";
    await github.labelPull(SHOP, 1, "seed");
    await clock.advance(1_000);
    await github.labelPull(SHOP, 1, "seed");
    const [bad, good] = ["2", "3"];
    const isBad = (path: string) => path.endsWith(`/deliveries/${bad}`);
    github.settings.requestFault = (_method, path) => (status !== 200 && isBad(path) ? { status } : undefined);
    github.settings.changeAnswer = (path, body) => (isBad(path) && isMap(body) ? { ...body, request: null } : body);
    const countBodies = () => github.requests.filter((request) => request.endsWith(`/deliveries/${good}`)).length;
    for (let minute = 0; minute < 4; minute++) {
      await clock.advance(61_000);
      await poll().catch(() => undefined);
      await pass(5);
    }

    expect(published.filter((id) => id.endsWith("/seed"))).toHaveLength(1);
    expect(countBodies()).toBe(1);
    if (status === 200) expect(warnings.join()).toContain('"list":"bodies of deliveries of the App","numbers":[2]');

    github.settings.requestFault = undefined;
    github.settings.changeAnswer = undefined;
    await clock.advance(61_000);
    await poll();
    await pass(5);
    expect(published.filter((id) => id.endsWith("/seed"))).toHaveLength(status === 200 ? 1 : 2);
  });
});
