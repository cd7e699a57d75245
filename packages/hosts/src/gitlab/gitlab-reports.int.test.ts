import { defined } from "@stackyard/core";
import { GITLAB_TOKEN } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitLabBench } from "../testing/gitlab-bench.ts";
import { dieAtCall, NOW } from "../testing/hosts-bench.ts";
import { createActions, runYard } from "../testing/report-bench.ts";
import { createGitLab } from "./create-gitlab.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** The machine of the bench, whose previews have another state when they are seeded. */
const SEEDED = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
revision: follow
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SEED: SEEDED, CLOSED: GONE } }
  SEEDED: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;

async function createBench(machine?: string) {
  const bench = runYard(await createGitLabBench(defined({ machine })));
  stops.push(bench.stop);
  // The follower begins with the newest line.
  await bench.report();
  const { notes, statuses, environments, deployments } = bench.gitlab.reports;
  const own = () => notes.filter(({ author }) => author.username !== "octocat");
  return {
    ...bench,
    ...createActions(bench),
    notes,
    statuses,
    environments,
    deployments,
    listNotes: () => own().map(({ body }) => body),
    listWrites: (since: number) => bench.gitlab.requests.slice(since).filter((request) => !request.startsWith("GET")),
    listStatuses: () => statuses.map(({ sha, name, status }) => [sha, name, status]),
    listDeployments: () => deployments.map(({ sha, status }) => [sha, status]),
  };
}

describe("the reports to a merge request", () => {
  it("are a note, a status and a deployment, and the environment goes with the stack", {
    tags: "adapter",
  }, async () => {
    const { gitlab, pass, listNotes, listStatuses, listDeployments, environments } = await createBench();
    const iid = await gitlab.openMerge();
    await pass(20);

    expect(listNotes()).toEqual([expect.stringContaining("Preview `shop-pr-1` is ready, in the state `LIVE`")]);
    expect(listStatuses()).toEqual([[toCommit(1), "Preview shop-pr-1", "success"]]);
    expect(listDeployments()).toEqual([[toCommit(1), "success"]]);
    expect(environments).toMatchObject([
      { name: expect.stringMatching(/^preview\/shop-pr-1-[0-9a-f]{8}$/), tier: "development", state: "available" },
    ]);

    await gitlab.push(iid, toCommit(2));
    await pass(20);
    expect(listDeployments()).toEqual([
      [toCommit(1), "success"],
      [toCommit(2), "success"],
    ]);

    await gitlab.close(iid);
    await pass(20);
    expect(listNotes()).toEqual([expect.stringContaining("Preview `shop-pr-1` has ended")]);
    expect([environments, listDeployments()]).toEqual([[], []]);
  });

  it("continue by the number of a project that was moved, which keeps its previews [git-machete#1212]", async () => {
    const { gitlab, pass, notes, listNotes, publish, wait, stateOf } = await createBench(SEEDED);
    const [first, second] = [await gitlab.openMerge(), await gitlab.openMerge({ head: toCommit(2) })];
    await pass(20);
    gitlab.move("acme/store");

    // The stack is changed by a timer, and no delivery has the new name yet.
    await publish({ stackId: `shop-pr-${first}`, event: "SEED" });
    await pass(20);
    gitlab.settings.isLosing = true;
    await gitlab.close(second);
    await wait(10);
    await pass(20);

    expect(await stateOf(`shop-pr-${second}`)).toBeUndefined();
    expect(listNotes()).toEqual(
      expect.arrayContaining([expect.stringContaining("SEEDED"), expect.stringContaining("has ended")]),
    );
    expect(notes).toHaveLength(2);
    expect(gitlab.requests.filter((request) => request.includes("/acme%2F"))).toEqual([]);
  });

  it("are not written again while nothing changes", async () => {
    const { gitlab, pass, listWrites, clock, report } = await createBench();
    const iid = await gitlab.openMerge();
    await pass(20);
    const before = gitlab.requests.length;

    await gitlab.label(iid, ["preview", "other"]);
    await pass(20);
    await clock.advance(3_600_000);
    await report();

    expect(listWrites(before)).toEqual([]);
  });

  it("answer a command with an emoji, and say why it was refused", async () => {
    const { gitlab, pass, notes, listNotes } = await createBench();
    const iid = await gitlab.openMerge();
    await pass(15);
    await gitlab.note(iid, "/preview status");
    await gitlab.note(iid, "/preview stauts");
    await pass(20);

    expect(notes.filter(({ author }) => author.username === "octocat").map(({ emojis }) => emojis)).toEqual([
      ["thumbsup"],
      ["confused"],
    ]);
    expect(listNotes()).toEqual([expect.stringContaining('Unknown command "stauts"')]);
  });

  it("of a fork are a note, and no status, because GitLab has none there", async () => {
    const { gitlab, pass, listNotes, listStatuses, store, clock } = await createBench();
    await gitlab.openMerge({ fork: true });
    await pass(20);

    expect(listNotes()).toEqual([expect.stringContaining(`/preview trust ${toCommit(1)}`)]);
    expect(listStatuses()).toEqual([]);
    const { items } = await store.records.list("queue/reports-gitlab/", { limit: 10, now: clock.now() });
    expect(items).toEqual([]);
  });

  it("contain no line that GitLab executes", async () => {
    const { gitlab } = await createBench();
    const client = createGitLab({
      token: GITLAB_TOKEN,
      url: gitlab.url,
      fetch: gitlab.fetch,
      now: () => NOW,
      hookPath: "/hooks/gitlab",
      readsAll: false,
    });
    const number = await gitlab.openMerge();
    const place = { repository: { id: "424242", fullName: "acme/shop" }, number };
    const id = await client.reports?.createComment(place, "````\n```\n/close\n````\n");
    await client.reports?.updateComment(place, id ?? 0, "````\n```\n/merge\n````\n");

    expect(gitlab.reports.notes.map(({ body }) => body)).toEqual(["````\n```\n /merge\n````\n"]);
  });

  it("are one note when others with its marker were written, which are deleted; those of people stay", async () => {
    const { gitlab, pass, notes, start } = await createBench();
    const iid = await gitlab.openMerge();
    await pass(20);
    const [first] = notes;
    if (first === undefined) throw new Error("No note was written.");
    const { author } = first;
    const octocat = { id: 583_231, username: "octocat" };
    notes.push({ ...first, id: 1_000, author: octocat }, { ...first, id: 1_001, author });
    // A process that knows nothing of the note.
    const second = await gitlab.openMerge({ head: toCommit(3) });
    notes.push({ ...first, id: 1_002, iid: second, author }, { ...first, id: 1_003, iid: second, author });
    notes.push({ ...first, id: 1_004, iid: second, author: octocat });
    await pass(20, start());

    expect(notes.filter((note) => note.iid === second).map(({ id }) => id)).toEqual([1_002, 1_004]);
    expect(notes.filter((note) => note.iid === iid)).toHaveLength(3);
  });

  it.each(["notes", "statuses", "deployments", "environments"])(
    "are one of each when a request about %s succeeds without an answer",
    async (kind) => {
      const { gitlab, pass, listNotes, listStatuses, listDeployments, environments } = await createBench();
      let faults = 1;
      gitlab.settings.fault = (method, path) => {
        if (method !== "POST" || !path.includes(`/${kind}`) || faults-- <= 0) return undefined;
        return { status: 502, afterDoing: true };
      };
      await gitlab.openMerge();
      await pass(60);

      expect(faults).toBeLessThan(1);
      const counts = [listNotes(), listStatuses(), listDeployments(), environments].map(({ length }) => length);
      expect(counts).toEqual([1, 1, 1, 1]);
    },
  );

  it("are one of each, after whatever call of the store a process dies", async () => {
    const { gitlab, start, pass, clock, listNotes, statuses, deployments, environments } = await createBench();
    for (let at = 1, hasDied = true; hasDied; at += 2) {
      const next = start();
      const number = await gitlab.openMerge({ head: at.toString(16).padStart(40, "0") });
      await next.tick();
      await clock.advance(1_000);
      const death = dieAtCall(at, "after");
      const dying = start(death.toStore);
      await dying.report().catch(() => undefined);
      await clock.advance(4_000);
      await dying.report().catch(() => undefined);
      hasDied = death.hasDied();
      await clock.advance(61_000);
      await pass(5, next);

      const counts = [listNotes(), statuses, deployments, environments].map(({ length }) => length);
      expect({ at, counts }).toEqual({ at, counts: [number, number, number, number] });
    }
  });
});
