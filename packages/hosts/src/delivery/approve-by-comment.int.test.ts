import { listHookDeliveries, previewLinks } from "@stackyard/core/services";
import { toUserId } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { type GitHubBenchOptions, SHOP } from "../testing/github-bench.ts";
import { dieAtCall } from "../testing/hosts-bench.ts";
import { createReportBench, type ReportBench } from "../testing/report-bench.ts";
import { approveByComment } from "./approve-by-comment.ts";
import { createPersonFinder } from "./linked-people.ts";

const ISSUER = "https://id.example.org";
const toMachine = (config: string) => `version: 2
events: [OPENED, PUSHED, CLOSED, SEED]
revision: follow
states:
  INIT: { on: { OPENED: REVIEW } }
  REVIEW: { tasks: [sign-off], on: { NEXT: LIVE, PUSHED: REVIEW, CLOSED: GONE } }
  LIVE: { on: { PUSHED: REVIEW, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  sign-off: { executor: approval, config: { from: [release-managers], ${config} } }
`;
const people = {
  octocat: { id: toUserId("octocat"), subject: "00u1", groups: ["release-managers"] },
  ada: { id: toUserId("ada"), subject: "00u2", groups: ["release-managers"] },
  grace: { id: toUserId("grace"), subject: "00u3", groups: ["others"] },
};

const benches: ReportBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

/** A yard with a preview that waits for an approval, in which octocat's pull request is open. */
async function createBench({
  config = "count: 1",
  ...options
}: GitHubBenchOptions & { readonly config?: string } = {}) {
  const bench = await createReportBench(undefined, { machine: toMachine(config), people, ...options });
  benches.push(bench);
  const { github, reports, store, clock, pass } = bench;
  // The follower begins with the newest line.
  await bench.report();
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(10);
  const readComment = () => reports.comments.find(({ appId }) => appId !== undefined)?.body ?? "";
  const findStack = async () => (await store.load(["shop-pr-1"]))[0]?.stack;
  return {
    ...bench,
    readComment,
    findStack,
    findCode: () => /\/preview approve ([0-9a-f]{16})/.exec(readComment())?.[1] ?? "",
    async comment(text: string, login: string) {
      await github.comment(SHOP, 1, text, login);
      await pass(20);
    },
    listOutcomes: async () =>
      (await listHookDeliveries({ records: store.records, clock }, { limit: 100 })).items
        .filter(({ what }) => !what.startsWith("pull."))
        .map(({ outcome }) => outcome?.reason ?? outcome?.kind),
  };
}

describe("an approval by comment", () => {
  it("counts as the person to whom the user is linked, and is audited so", async () => {
    const { comment, findCode, findStack, store, clock, listOutcomes, reports } = await createBench({
      config: 'comment: required, of: "plan-1"',
      access: { people: { issuer: ISSUER, clientId: "c" }, grants: [{ to: { subject: "00u2" }, role: "viewer" }] },
    });
    expect((await findStack())?.askedBy).toMatchObject({ kind: "host", owner: `${ISSUER} 00u1` });

    await comment(`/preview approve ${findCode()} it looks right`, "ada");

    expect(await listOutcomes()).toEqual(["events"]);
    expect((await findStack())?.state).toBe("LIVE");
    expect(reports.comments.flatMap(({ reactions }) => reactions)).toEqual(["+1"]);
    const { items } = await store.records.list("audit/", { limit: 10, now: clock.now() });
    const groups = people.ada.groups;
    const who = { kind: "person", id: `${ISSUER} 00u2`, name: "ada", groups, through: `github/${people.ada.id}` };
    const lines = items.map(({ value }) => JSON.stringify(value).replaceAll("\\", ""));
    const line = lines.find((each) => each.includes("APPROVE_TASK"));
    expect(line).toContain(`"outcome":"done","who":${JSON.stringify(who)},"via":"host"`);
  });

  it.each([
    ["a user who is not linked", "eve", "CODE", /not linked to a person/],
    ["the login of a person who has given it up", "Ada", "CODE", /not linked to a person/],
    ["a bot", "ada[bot]", "CODE", /Comments of bots are not read/],
    ["a person of other groups", "grace", "CODE", /NOT_ALLOWED: grace is in none of the groups/],
    ["the author of the pull request", "octocat", "CODE", /The author of the pull request may not approve/],
    ["no code", "ada", "", /Write what you approve: .preview approve [0-9a-f]{16} for "sign-off" of "shop-pr-1"/],
    ["a wrong code", "ada", "0123456789abcdef", /not open, or has changed/],
    ["a required comment that is missing", "ada", "CODE", /COMMENT_REQUIRED/],
  ])("of %s is refused, and the pull request says why", async (_, login, code, reason) => {
    const { comment, findCode, findStack, listOutcomes, readComment } = await createBench({
      config: "comment: required",
    });

    await comment(`/preview approve ${code.replace("CODE", findCode())}`, login);

    expect(await listOutcomes()).toEqual([expect.stringMatching(reason)]);
    expect((await findStack())?.state).toBe("REVIEW");
    if (!login.endsWith("[bot]")) expect(readComment()).toMatch(reason);
  });

  it("is refused where no grant of the yard lets the person approve", async () => {
    const grants = [{ to: { subject: "00u2" }, role: "viewer" as const, stacks: ["other-"] }];
    const { comment, findCode, listOutcomes } = await createBench({
      access: { people: { issuer: ISSUER, clientId: "c" }, grants },
    });

    await comment(`/preview approve ${findCode()}`, "ada");

    expect(await listOutcomes()).toEqual(['FORBIDDEN: No grant lets ada approve for the stack "shop-pr-1".']);
  });

  it("is reported as what it was when its event came twice", async () => {
    const { comment, findCode, store, clock } = await createBench();
    await comment(`/preview approve ${findCode()}`, "ada");
    const stackId = "shop-pr-1";
    const { items } = await store.queries.listHistory({ stackId, newestFirst: true }, { limit: 50 });
    const line = items.find(({ event }) => event === "APPROVE_TASK");
    if (line === undefined) throw new TypeError("The approval was not applied.");
    const again = { ...line, outcome: "ignored" as const, code: "DUPLICATE" };
    const deps = {
      records: store.records,
      clock,
      queries: { ...store.queries, listHistory: async () => ({ items: [again, line] }) },
      findStack: async () => undefined,
      approve: async () => ({ kind: "published" as const, id: line.eventId }),
    };
    const sender = { id: people.ada.id, name: "ada" };
    const link = await previewLinks.find({ records: store.records, clock }, stackId);
    const { host = "", repository, number } = link ?? {};
    const hook = { sender, pull: { number, authorId: "1" }, repository };

    const answer = await approveByComment(deps as never, {
      host,
      eventId: line.eventId,
      hook: hook as never,
      person: { id: people.ada.id } as never,
    });

    expect(answer).toMatchObject({ kind: "events", events: [{ id: line.eventId }] });
  });

  it("is for what its author has seen: an approval after a push has another code", async () => {
    const { github, comment, findCode, findStack, listOutcomes, pass } = await createBench();
    const seen = findCode();
    await github.push(SHOP, 1, toCommit(2));
    await pass(1);
    await comment(`/preview approve ${seen}`, "ada");
    expect(await listOutcomes()).toContainEqual(expect.stringContaining("not open, or has changed"));

    await pass(10);
    expect(findCode()).not.toBe(seen);
    await comment(`/preview approve ${findCode()}`, "ada");

    expect((await findStack())?.state).toBe("LIVE");
  });

  it("lets each person approve once, and the requester where the task says so", async () => {
    const { comment, findCode, findStack, listOutcomes } = await createBench({ config: "count: 2, own: true" });
    const code = findCode();
    await comment(`/preview approve ${code}`, "ada");
    await comment(`/preview approve ${code}`, "ada");
    expect(await listOutcomes()).toContainEqual(expect.stringContaining("APPROVAL_REPEATED"));

    await comment(`/preview approve ${code}`, "octocat");

    expect((await findStack())?.state).toBe("LIVE");
  });

  it.each(["before", "after"] as const)(
    "is given once, whichever call of the store a process dies %s",
    async (when) => {
      const { github, start, clock, findCode, store, tick, pass, listOutcomes } = await createBench();
      for (let at = 1, hasDied = true; hasDied; at++) {
        await github.comment(SHOP, 1, `/preview approve ${findCode()}`, "ada");
        const { receiver } = github.settings;
        const death = dieAtCall(at, when);
        await start(death.toStore)
          .tick()
          .catch(() => undefined);
        github.settings.receiver = receiver;
        hasDied = death.hasDied();
        await clock.advance(61_000);
        for (let each = 0; each < 3; each++) {
          await tick();
          await clock.advance(6_000);
        }

        expect({ at, last: (await listOutcomes())[0] }).toEqual({ at, last: "events" });
        const { items } = await store.queries.listHistory({ stackId: "shop-pr-1" }, { limit: 1_000 });
        expect(items.filter(({ event }) => event === "APPROVE_TASK")).toHaveLength(at);
        await github.push(SHOP, 1, String(at).padStart(40, "0"));
        await pass(20);
      }
    },
  );
});

describe("links of users to people", () => {
  const create = (links: NonNullable<GitHubBenchOptions["people"]>) => {
    const options = { type: "github" as const, secrets: [{ env: "S" }], people: links };
    return createPersonFinder([{ name: "github", options }]);
  };
  const { id: _, ...byLogin } = people.ada;

  it.each([
    ["two people", { ...people, ada2: people.ada }],
    ["two people by one login", { ada: byLogin, Ada: byLogin }],
  ])("are refused when a user is linked to %s", (_case, links) => {
    expect(() => create(links)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("hold for the number, no matter who has the login, and for the login where no number is stated", () => {
    const find = create({ octocat: people.octocat, Ada: byLogin });

    expect(find("github", { id: String(people.octocat.id), name: "renamed" })?.subject).toBe("00u1");
    expect(find("github", { id: "99", name: "octocat" })).toBeUndefined();
    expect(find("github", { id: "99", name: "ada" })?.subject).toBe("00u2");
    expect(find("gitlab", { id: "99", name: "ada" })).toBeUndefined();
    expect(find("github", { id: "ada", name: "99" })).toBeUndefined();
  });
});
