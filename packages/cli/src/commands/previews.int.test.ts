import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { linkPreview, type PreviewLink } from "@stackyard/core/services";
import { createServer } from "@stackyard/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseLines, runCli } from "../testing/run-cli.ts";

const MACHINE = `version: 2
events: { OPENED: {}, EXTENDED: { metadata: [seconds] }, SLEEP: {}, WAKE: {} }
states:
  INIT: { on: { OPENED: LIVE } }
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
let stop: () => Promise<unknown>;

beforeAll(async () => {
  const store = createMemoryStore();
  const { machine } = parseMachine(MACHINE, { name: "preview" });
  const locator = createStaticLocator(machine === undefined ? [] : [{ machine, source: MACHINE }]);
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
    await vi.waitFor(async () => expect((await store.load([stackId]))[0]?.stack?.state).toBe("LIVE"));
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
    expect(none.stderr).toContain("No stack of a pull request is found.");
    expect(shown.stdout).toMatch(/pull request +acme\/shop#7 Add a cart/);
    expect(shown.stdout).toContain("commands");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
    expect(shown.stdout).not.toMatch(/\u001b\[2J/);
  });

  it("sends the events of the mapping's rules, and refuses what the stack would not apply", async () => {
    const extended = await run("extend", "shop-pr-7", "2d", "--json");
    const early = await run("wake", "shop-pr-7");
    const asleep = await run("sleep", "shop-pr-7", "--json");
    await vi.waitFor(async () => expect(parseLines((await run("ls", "--json")).stdout)[0]?.["state"]).toBe("ASLEEP"));
    const awake = await run("wake", "shop-pr-7");

    expect(extended).toMatchObject({ exitCode: 0 });
    expect(parseLines(extended.stdout)).toMatchObject([{ event: "EXTENDED", stackId: "shop-pr-7" }]);
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.stderr).toMatch(/does not take WAKE now\. Nothing was sent\. EVENT_NOT_HANDLED/);
    expect([asleep.exitCode, awake.exitCode]).toEqual([0, 0]);
  });

  it.each([
    ["a rule that is missing", ["down", "shop-pr-7"], 3, /has no rule for down/],
    ["a duration that is none", ["extend", "shop-pr-7", "soon"], 64, /"soon" is not a duration/],
    ["an unknown stack", ["show", "shop-pr-8"], 1, /"shop-pr-8" does not exist/],
    ["a stack of no pull request", ["sleep", "shared"], 1, /is not linked to a pull request/],
  ])("explains %s", async (_, words, exitCode, message) => {
    const result = await run(...words);

    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ exitCode, stdout: "" });
  });
});
