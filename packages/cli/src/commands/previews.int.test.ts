import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Records, type Stack, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import {
  linkPreview,
  ORPHAN_CHECK_KEY,
  type Orphan,
  orphans,
  type PreviewLink,
  toOrphanName,
} from "@stackyard/core/services";
import { createServer } from "@stackyard/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { parseLines, runCli } from "../testing/run-cli.ts";

const MACHINE = `version: 2
events: { OPENED: {}, CLOSED: {}, EXTENDED: { metadata: [seconds] }, SLEEP: {}, WAKE: {} }
states:
  INIT: { on: { OPENED: LIVE, CLOSED: ASLEEP } }
  LIVE: { on: { EXTENDED: LIVE, SLEEP: ASLEEP } }
  ASLEEP: { on: { WAKE: LIVE } }
`;
const LINK: PreviewLink = {
  stackId: "shop-pr-7",
  host: "github",
  repository: { id: "424242", fullName: "acme/shop" },
  number: 7,
  url: "https://github.com/acme/shop/pull/7",
  title: "Add a cart \u001b[2J",
  head: "1".repeat(40),
  owner: "octocat",
  commands: {
    extend: { event: "EXTENDED", metadata: {}, duration: "seconds" },
    sleep: { event: "SLEEP", metadata: {} },
    wake: { event: "WAKE", metadata: {} },
  },
};
const TOKEN = "a-token-of-the-tests";
let url = "";
let records: Records;
let load: (stackId: string) => Promise<Stack | undefined>;
let stop: () => Promise<unknown>;

beforeAll(async () => {
  const store = createMemoryStore();
  ({ records } = store);
  load = async (stackId) => (await store.load([stackId]))[0]?.stack;
  const sources = [
    { name: "preview", source: MACHINE },
    {
      name: "template",
      source: readFileSync(join(import.meta.dirname, "../../template-previews/machines/preview.yaml"), "utf8"),
    },
  ];
  const machines = sources.flatMap(({ name, source }) => {
    const { machine } = parseMachine(source, { name });
    return machine === undefined ? [] : [{ machine, source }];
  });
  const locator = createStaticLocator(machines);
  const ports = { store, locator, executors: new Map(), clock: systemClock, ids: createUlids(), logger: silentLogger };
  const yard = startYard(ports, { roles: ["engine"], process: { version: "0.0.0", host: "blue" } });
  const server = createServer(
    { ...ports, version: "0.0.0" },
    { port: 0, tokens: [{ name: "tester", token: TOKEN }], console: false },
  );
  ({ url } = await server.start());
  stop = () => Promise.all([server.stop(), yard.stop()]);
  await linkPreview({ records: store.records, clock: systemClock }, LINK);
  for (const stackId of ["shop-pr-7", "shared"]) {
    const message = { stackId, event: "OPENED", machine: "preview" };
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    await fetch(`${url}/v1/events`, { method: "POST", headers, body: JSON.stringify(message) });
    await eventually(async () => expect((await load(stackId))?.state).toBe("LIVE"));
  }
});
afterAll(() => stop());

const run = (...words: string[]) => runCli(["previews", ...words, "--url", url, "--token", TOKEN]);

describe("stackyard previews", () => {
  it("lists and shows them, as a table and as JSON", async () => {
    const table = await run("ls");
    const json = await run("ls", "--json");
    const none = await run("ls", "--repository", "acme/other");
    const shown = await run("show", "shop-pr-7");

    expect(table.stdout).toMatch(/shop-pr-7 +acme\/shop#7 +LIVE .*octocat/);
    expect(parseLines(json.stdout)).toMatchObject([{ stackId: "shop-pr-7", pull: { number: 7 }, state: "LIVE" }]);
    expect(none).toMatchObject({ exitCode: 0, stdout: "" });
    expect(none.stderr).toContain("No stacks of pull requests found.");
    expect(shown.stdout).toMatch(/pull request +acme\/shop#7 Add a cart/);
    expect(shown.stdout).toContain("commands");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
    expect(shown.stdout).not.toMatch(/\u001b\[2J/);
  });

  it("sends the events of the mapping's rules, and refuses what the stack would not apply", async () => {
    const extended = await run("extend", "shop-pr-7", "2d", "--json");
    const early = await run("wake", "shop-pr-7");
    const asleep = await run("sleep", "shop-pr-7", "--json");
    await eventually(async () => expect(parseLines((await run("ls", "--json")).stdout)[0]?.["state"]).toBe("ASLEEP"));
    const awake = await run("wake", "shop-pr-7");

    expect(extended).toMatchObject({ exitCode: 0 });
    expect(parseLines(extended.stdout)).toMatchObject([{ event: "EXTENDED", stackId: "shop-pr-7" }]);
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.stderr).toMatch(/does not take WAKE now\. Nothing was sent\. EVENT_NOT_HANDLED/);
    expect([asleep.exitCode, awake.exitCode]).toEqual([0, 0]);
  });

  it.each([
    ["a rule that is missing", ["down", "shop-pr-7"], 3, /has no rule for down/],
    ["an invalid duration", ["extend", "shop-pr-7", "soon"], 64, /"soon" is not a duration/],
    ["a stack that is not an orphan", ["reclaim", "shop-pr-8"], 1, /"shop-pr-8" is not an orphan/],
    ["an unknown stack", ["show", "shop-pr-8"], 1, /"shop-pr-8" does not exist/],
    ["a stack of no pull request", ["sleep", "shared"], 1, /is not linked to a pull request/],
  ])("explains %s", async (_, words, exitCode, message) => {
    const result = await run(...words);

    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ exitCode, stdout: "" });
  });
});

describe("stackyard previews orphans and reclaim", () => {
  const orphan = (stackId: string, machine = "preview"): Orphan => ({
    stackId,
    machine,
    since: 0,
    listedAt: 3_600_000,
    count: 2,
    resources: [{ name: "arn:aws:s3:::left", source: "tags", account: "111122223333", region: "eu-west-1" }],
  });
  const put = async (key: string, value: unknown) => {
    const now = Date.now();
    const found = await records.get(key, now);
    await records.put({ key, value, expected: found?.version ?? "absent", now });
  };

  it("says that nothing is known before a search, and what was not searched", async () => {
    const none = await run("orphans");
    const failures = [{ account: "111122223333", region: "eu-west-1", message: "Not authorized: tag:GetResources." }];
    await put(ORPHAN_CHECK_KEY, { failures });
    const denied = await run("orphans", "--json");
    await put(ORPHAN_CHECK_KEY, { at: 0, failures: [] });
    const empty = await run("orphans");

    expect(none).toMatchObject({ exitCode: 3, stdout: "" });
    expect(none.stderr).toMatch(/has not searched for orphans yet.*accounts/s);
    expect(denied).toMatchObject({ exitCode: 1, stdout: "" });
    expect(denied.stderr).toMatch(
      /Not searched: 111122223333 in eu-west-1\. No search was complete yet\. Not authorized/,
    );
    expect(empty).toMatchObject({ exitCode: 0, stdout: "" });
    expect(empty.stderr).toContain("Nothing remains of stacks that are gone, as of 1970-01-01");
  });

  it("lists them, and creates a stack anew by its closing event", async () => {
    for (const each of [orphan("gone-1"), orphan("gone-2", "other"), orphan("shared"), orphan("young")]) {
      const { listedAt: _, ...young } = each;
      await put(orphans.toKey(toOrphanName(each)), each.stackId === "young" ? young : each);
    }

    const table = await run("orphans");
    const json = await run("orphans", "--json");
    const limited = await run("orphans", "--limit", "1", "--json");
    const reclaimed = await run("reclaim", "gone-1", "--json");
    const refused = await run("reclaim", "gone-2");
    const alive = await run("reclaim", "shared");
    const unhandled = await run("reclaim", "gone-2", "--event", "OPENED");

    expect(table.stdout).toMatch(/gone-1 +preview +[0-9]+d .* 2 +arn:aws:s3:::left/);
    expect(parseLines(json.stdout).map(({ stackId }) => stackId)).toEqual(
      expect.arrayContaining(["gone-1", "gone-2", "shared"]),
    );
    expect(parseLines(json.stdout)).toHaveLength(3);
    expect(parseLines(limited.stdout)).toHaveLength(1);
    expect(parseLines(reclaimed.stdout)).toMatchObject([{ event: "CLOSED", stackId: "gone-1" }]);
    expect([refused.exitCode, unhandled.exitCode, alive.exitCode]).toEqual([1, 1, 1]);
    expect(refused.stderr).toMatch(
      /does not take CLOSED now\. Nothing was sent\..*INIT of the machine other must handle CLOSED/s,
    );
    expect(alive.stderr).toContain('The stack "shared" exists again. Nothing was sent.');
  });

  it("removes an orphan of the template's machine by its clean-up", async () => {
    await put(orphans.toKey(toOrphanName(orphan("gone-3", "template"))), orphan("gone-3", "template"));

    const reclaimed = await run("reclaim", "gone-3");

    expect(reclaimed).toMatchObject({ exitCode: 0 });
    await eventually(async () => expect(await load("gone-3")).toMatchObject({ state: "CLEAN-UP" }));
    expect((await load("gone-3"))?.tasks).toContainEqual(expect.objectContaining({ name: "destroy" }));
  });
});

it.each([
  ["ls"],
  ["show", "shop-pr-7"],
  ["extend", "shop-pr-7", "2d"],
  ["sleep", "shop-pr-7"],
  ["wake", "shop-pr-7"],
  ["down", "shop-pr-7"],
  ["orphans"],
  ["reclaim", "shop-pr-7"],
])(
  "stackyard previews %s says that the server is down, three times alike, and that a word is wrong",
  async (...words) => {
    const dead = () => runCli(["previews", ...words, "--url", "http://127.0.0.1:9", "--token", TOKEN]);
    const results = [await dead(), await dead(), await dead()];

    for (const result of results) {
      expect(result).toMatchObject({ exitCode: results[0]?.exitCode, stdout: "" });
      expect(result.stderr).toMatch(/http:\/\/127\.0\.0\.1:9/);
      expect(result.stderr).not.toContain("    at ");
    }
    expect(results[0]?.exitCode).not.toBe(0);
    expect(await run(...words, "--nonsense")).toMatchObject({ exitCode: 64, stdout: "" });
    expect(await run(...words, "one", "two", "three", "four")).toMatchObject({ exitCode: 64, stdout: "" });
  },
);
