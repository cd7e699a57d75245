import { isMap, type Logger } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitLabBench } from "../testing/gitlab-bench.ts";
import { runYard } from "../testing/report-bench.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Rows that no schema fits: with null for what is needed, with an id as text, and not even objects. */
const BAD = [
  { id: 7, iid: 7, sha: null, author: null, username: null, url: null, external_url: 7 },
  { id: "8" },
  null,
  [],
];

/** All lists that are read at GitLab, by the end of the paths of their requests. */
const LISTS = [
  "/projects",
  "/groups",
  "/projects/424242/hooks",
  "/groups/77/hooks",
  "/groups/77/hooks/2/events",
  "/projects/424242/merge_requests",
  "/projects/424242/members/all",
  "/projects/424242/merge_requests/1/notes",
  `/projects/424242/repository/commits/${toCommit(1)}/statuses`,
  "/projects/424242/environments",
  "/projects/424242/deployments",
];

const toPath = (request: string): string => request.replace(/^GET \/gitlab\/api\/v4|^\/gitlab\/api\/v4|\?.*$/g, "");

/** A yard that follows a GitLab whose lists all begin with rows that cannot be read. */
async function createBench() {
  const warned: (readonly [list: string, numbers: unknown])[] = [];
  const log = () => undefined;
  const warn: Logger["warn"] = (_, facts = {}) => {
    const { list = "/projects/424242/merge_requests", numbers } = facts;
    if (numbers !== undefined) warned.push([String(list), numbers]);
  };
  const bench = runYard(await createGitLabBench({ logger: { debug: log, info: log, error: log, warn } }));
  stops.push(bench.stop);
  const { gitlab } = bench;
  gitlab.settings.hookOwner = "group";
  gitlab.settings.groupLevel = 50;
  const spoiled = new Set<string>();
  gitlab.settings.changeAnswer = (path, body) => {
    if (!Array.isArray(body)) return body;
    spoiled.add(toPath(path));
    return [...BAD, ...body];
  };
  await bench.report();
  return { ...bench, warned, spoiled };
}

describe("lists of GitLab with rows that cannot be read", () => {
  it("are followed, reported to and compared by their other rows, and each names the bad ones", async () => {
    const { gitlab, poll, pass, clock, published, spoiled, warned } = await createBench();
    await poll();
    const iid = await gitlab.openMerge();
    await pass(20);
    await gitlab.note(iid, "/preview extend 2d");
    await pass(20);
    gitlab.settings.isLosing = true;
    await gitlab.note(iid, "/preview extend 3d");
    await clock.advance(60_000);
    await poll();
    await pass(5);
    await gitlab.close(iid);
    // The deliveries are lost too, so only the comparison finds it.
    gitlab.settings.hookOwner = "project";
    gitlab.settings.tokenLevel = 30;
    await clock.advance(300_000);
    await poll();
    await pass(5);

    expect(published.map((id) => id.split("/").slice(-2).join("/"))).toEqual([
      expect.stringMatching(/\/pull\.open$/),
      expect.stringMatching(/\/extend$/),
      expect.stringMatching(/\/extend$/),
      expect.stringMatching(/closed/),
    ]);
    expect([...spoiled].toSorted()).toEqual(LISTS.toSorted());
    const named = new Map(warned.map(([list, numbers]) => [list.replace(/\?.*$/, ""), numbers]));
    expect([...named.keys()].toSorted()).toEqual(LISTS.toSorted());
    const nameless = ["without a number", "without a number", "without a number"];
    // Of a group nothing but its id is needed.
    expect(named.get("/groups")).toEqual(nameless);
    named.delete("/groups");
    for (const numbers of named.values()) expect(numbers).toEqual([7, ...nameless]);
  });

  it("do not make a yard read old deliveries when the newest one cannot be read", async () => {
    const { gitlab, poll, pass, clock, published } = await createBench();
    gitlab.settings.changeAnswer = (path, body) =>
      path.includes("/events") && Array.isArray(body) ? [BAD[0], ...body.slice(1)] : body;
    gitlab.settings.isLosing = true;
    const iid = await gitlab.openMerge();
    await gitlab.note(iid, "/preview extend 2d");
    await gitlab.note(iid, "/preview extend 3d");
    await poll();
    gitlab.settings.changeAnswer = undefined;
    await clock.advance(60_000);
    await gitlab.note(iid, "/preview extend 4d");
    await poll();
    await pass(5);

    // The unreadable one can be read later: it is newer than the newest that could be.
    expect(published.filter((id) => id.endsWith("/extend"))).toEqual([
      "gitlab/delivery-3/extend",
      "gitlab/delivery-4/extend",
    ]);
  });

  it("are read to the end although all rows of a page are bad", async () => {
    const { gitlab, poll, pass, clock, published } = await createBench();
    await gitlab.openMerge();
    await pass(5);
    await poll();
    gitlab.settings.isLosing = true;
    for (let each = 0; each < 21; each++) await gitlab.note(1, `/preview extend ${each + 2}d`);
    gitlab.settings.changeAnswer = (path, body) =>
      Array.isArray(body) && /events.*[?&]page=1(&|$)/.test(path)
        ? body.map((row) => (isMap(row) ? { ...row, id: "x" } : row))
        : body;
    await clock.advance(60_000);
    await poll();
    await pass(5);

    expect(published.filter((id) => id.endsWith("/extend"))).toHaveLength(1);
  });
});
