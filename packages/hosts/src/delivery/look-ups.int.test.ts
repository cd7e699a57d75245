import { listHookDeliveries } from "@stackyard/core/services";
import { APP_ID, APP_KEY } from "@stackyard/host-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGitHub } from "../github/create-github.ts";
import { toCommit } from "../testing/builders.ts";
import { createGitHubBench, type GitHubBench, SHOP } from "../testing/github-bench.ts";

const PLACE = { id: "424242", fullName: SHOP };
const OTHER = { id: "424243", fullName: "acme/other" };

const COMMANDS = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }, head: { send: PUSHED }, closed: { send: CLOSED } }
rules:
  extend: { on: command.extend, send: SEED, metadata: { seconds: "\${hook.args.duration}" } }
  sleep: { on: command.sleep, needs: triage, send: SEED }
  down: { on: command.down, send: CLOSED, metadata: { sha: "\${hook.pull.head}" } }
`;

let bench: GitHubBench;
let tick: () => Promise<unknown>;
beforeEach(async () => {
  bench = await createGitHubBench(COMMANDS);
  ({ tick } = bench.start());
});
afterEach(() => bench.stop());

async function open(input: { readonly fork?: boolean } = {}): Promise<void> {
  await bench.github.openPull(SHOP, { head: toCommit(1), ...input });
  await tick();
}

async function comment(text: string): Promise<void> {
  await bench.github.comment(SHOP, 1, text);
  await tick();
}

/** The rules whose events were published. */
const listRules = () => bench.published.map((id) => id.split("/").at(-1));

async function listOutcomes() {
  const { store, clock } = bench;
  const { items } = await listHookDeliveries({ records: store.records, clock }, { limit: 100 });
  return items.map(({ outcome }) => outcome);
}

describe("look-ups at GitHub", () => {
  it("decide by the pull request of now, not by what a late delivery says", { tags: "adapter" }, async () => {
    const { github } = bench;
    github.settings.deliveryFault = "hold";
    await github.openPull(SHOP, { head: toCommit(1) });
    github.settings.deliveryFault = "vanish";
    await github.closePull(SHOP, 1);
    github.settings.deliveryFault = undefined;
    await github.releaseReversed();

    await tick();

    expect(bench.published).toEqual([]);
    expect(await listOutcomes()).toMatchObject([{ kind: "nothing" }]);
  });

  it("let persons with write permission send commands, and explain to the others why not", async () => {
    await open();
    await comment("/preview extend 2d");
    bench.github.settings.permission = "read";
    await comment("/preview extend 3d");
    await bench.clock.advance(61_000);

    await comment("/preview extend 4d");

    expect(listRules()).toEqual(["pull.open", "extend", "extend"]);
    expect(await listOutcomes()).toContainEqual({
      kind: "refused",
      reason: "octocat has no write permission in acme/shop.",
    });
  });

  it.each([
    ["triage", "triage", ["sleep"]],
    ["Issue gardener", "read", []],
    ["Release manager", "admin", ["extend", "sleep"]],
  ])("ask for what a rule needs, and for write permission to act by themselves: %s", async (role, base, applied) => {
    await open({ fork: true });
    bench.github.settings.permission = role;
    bench.github.settings.basePermission = base;
    await comment(`/preview trust ${toCommit(1)}`);
    bench.github.settings.permission = "write";
    await bench.clock.advance(61_000);
    await comment(`/preview trust ${toCommit(1)}`);
    bench.github.settings.permission = role;
    await bench.clock.advance(61_000);

    await comment("/preview sleep");
    await comment("/preview extend 2d");

    expect(listRules().slice(1).toSorted()).toEqual(applied);
    const refused = (await listOutcomes()).filter((outcome) => outcome?.kind === "refused");
    expect(refused).toHaveLength(base === "admin" ? 0 : 3 - applied.length);
  });

  it("refuse /preview up where there is nothing to create", async () => {
    await open();
    await comment("/preview up");
    await bench.github.closePull(SHOP, 1);
    await tick();

    await comment("/preview up");

    const outcomes = (await listOutcomes()).filter((outcome) => outcome?.kind !== "events");
    expect(outcomes.map((outcome) => outcome?.kind).toSorted()).toEqual(["nothing", "refused"]);
  });

  it("bind the trust in a fork to one head", async () => {
    await open({ fork: true });
    await comment(`/preview trust ${toCommit(2)}`);
    expect(bench.published).toEqual([]);

    await comment(`/preview trust ${toCommit(1)}`);
    await bench.github.push(SHOP, 1, toCommit(3));
    await tick();

    expect(listRules()).toEqual(["pull.open"]);
    const kinds = (await listOutcomes()).map((outcome) => outcome?.kind);
    // No engine decides about the event of the trust.
    expect(kinds.toSorted()).toEqual(["refused", "waits-for-trust", "waits-for-trust", undefined]);
  });

  it("let persons with write permission stop what runs when a fork has an untrusted head, and create nothing", async () => {
    await open({ fork: true });
    await comment("/preview down");
    await comment(`/preview trust ${toCommit(1)}`);
    await bench.github.push(SHOP, 1, toCommit(3));
    await tick();
    for (const word of ["up", "extend 2d", "sleep", "down"]) await comment(`/preview ${word}`);

    expect(listRules()).toEqual(["pull.open", "sleep", "down"]);
    const waits = (await listOutcomes()).filter((outcome) => outcome?.kind === "waits-for-trust");
    expect(waits).toHaveLength(5);
    expect(waits.filter((each) => each?.reason?.includes(`"/preview trust ${toCommit(3)}"`))).toHaveLength(3);
    bench.github.settings.permission = "triage";
    await bench.clock.advance(61_000);
    await comment("/preview sleep");
    expect(listRules()).toHaveLength(3);
  });

  it("are repeated until GitHub answers again", async () => {
    const { settings } = bench.github;
    settings.requestFault = () => ({ status: 503 });
    await open();
    expect(bench.published).toEqual([]);
    settings.requestFault = undefined;
    await bench.clock.advance(5_000);

    await tick();

    expect(listRules()).toEqual(["pull.open"]);
  });

  it("say what a command lacks that cannot be read", async () => {
    await comment("/preview exten 2d");

    expect(await listOutcomes()).toEqual([{ kind: "refused", reason: expect.stringContaining("extend") }]);
  });
});

describe("the client of a GitHub App", () => {
  const create = ({ privateKey = APP_KEY, now = (): number => 0 } = {}) =>
    createGitHub({ appId: APP_ID, privateKey, url: bench.github.url, fetch: bench.github.fetch, now });

  it("finds nothing where GitHub says that there is nothing", async () => {
    const client = create();

    expect(await client.findPull(PLACE, 7)).toBeUndefined();
    expect(await client.findPull(OTHER, 7)).toBeUndefined();
    expect(await client.listOpenPulls(OTHER)).toBeUndefined();
    expect(await client.findDeliveryBody(99)).toBeUndefined();
    expect(await client.findPermission(OTHER, "octocat")).toBe("none");
  });

  it("requests a permission once a minute", async () => {
    let now = 0;
    const client = create({ now: () => now });
    const countAsked = () => bench.github.requests.filter((request) => request.endsWith("/permission")).length;
    await client.findPermission(PLACE, "octocat");
    await client.findPermission(PLACE, "octocat");
    expect(countAsked()).toBe(1);
    now += 60_000;

    await client.findPermission(PLACE, "octocat");

    expect(countAsked()).toBe(2);
  });

  it("uses tokens that are good for one repository and what is read there, also after they were revoked", async () => {
    const { github } = bench;
    github.addRepository("acme/other");
    await open();
    const client = create();
    const read = async () => [
      await client.findPull(PLACE, 1),
      await client.listOpenPulls(PLACE),
      await client.findPermission(PLACE, "octocat"),
      await client.listRepositories(),
    ];
    const before = await read();
    github.revokeTokens();

    expect(await read()).toEqual(before);

    const permissions = { metadata: "read", pull_requests: "read" };
    expect(github.listTokens()).toEqual([{ repositoryIds: [424_242], permissions, login: undefined }]);
    await create().listRepositories();
    expect(github.listTokens().slice(1)).toEqual([
      { repositoryIds: undefined, permissions: { metadata: "read" }, login: undefined },
    ]);
  });

  it("reads a key whose lines were joined for a variable", async () => {
    await open();
    const client = create({ privateKey: APP_KEY.replaceAll("\n", "\\n") });

    expect(await client.findPull(PLACE, 1)).toMatchObject({ number: 1, head: toCommit(1) });
  });
});
