import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN, CLOSE]
states:
  INIT:
    on: {OPEN: LIVE}
  LIVE:
    on: {CLOSE: GONE}
  GONE: {terminal: true}
`;
const LONG_ID = "a-stack-with-a-rather-long-id-日本語-that-goes-on-and-on";

describe("habits over a running yard", () => {
  const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}", "machines/web.yaml": MACHINE });
  const run = (...words: string[]) => runCli(words, { cwd });
  let dev: RunningCli;

  beforeAll(async () => {
    dev = await startDev(cwd);
  });

  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("an empty list says what is empty", async () => {
    const empty = await run("stacks", "ls");
    const filtered = await run("stacks", "ls", "--machine", "web", "--condition", "failed");
    const json = await run("stacks", "ls", "--json");
    const events = await run("events", "ls", "--stack", "unknown", "--code", "X");

    expect(empty).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "No stacks yet. `stackyard send STACK EVENT --machine MACHINE` creates one.\n",
    });
    expect(filtered.stderr).toBe("No stack matches --machine web --condition failed.\n");
    expect(json).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(events.stderr).toContain("--stack unknown --code X");
  });

  it("stacks ls refuses a state that no machine has, and suggests the one that was meant", async () => {
    const lower = await run("stacks", "ls", "--state", "live", "--json");
    const other = await run("stacks", "ls", "--state", "SLEEPING", "--machine", "web");

    expect([lower.exitCode, JSON.parse(lower.stderr).error]).toEqual([
      64,
      {
        code: "USAGE",
        message: 'No machine has a state "live".',
        hint: 'Did you mean "LIVE"? Names are case-sensitive.',
      },
    ]);
    expect([other.exitCode, other.stderr]).toEqual([
      64,
      expect.stringContaining('The machine "web" has no state "SLEEPING".\nStates: INIT, LIVE, GONE.'),
    ]);
  });

  it("a table fits the terminal, and is whole in a pipe and as JSON", async () => {
    await run("send", LONG_ID, "OPEN", "--machine", "web", "--wait");

    const narrow = await runCli(["stacks", "ls", "--no-color"], { cwd, terminal: true, columns: 60 });
    const piped = await run("stacks", "ls");
    const json = await run("stacks", "ls", "--json");

    expect(narrow.stdout.split("\n")[1]).toMatch(/^a-stack-with-a-rather-long-id-… {2,3}web {6}LIVE/);
    expect(piped.stdout).toContain(`${LONG_ID}  web`);
    expect(parseLines(json.stdout)).toMatchObject([{ id: LONG_ID }]);
  });

  it("completion offers ids of stacks, machines, states, events and choices, and the project's machines without a server", async () => {
    await run("send", "pr-12", "OPEN", "--machine", "web", "--wait");
    const complete = async (...words: string[]) =>
      (await run("__complete", "--", ...words)).stdout.split("\n").slice(0, -1);

    expect(await complete("stacks", "show", "pr")).toEqual(["pr-12"]);
    expect(await complete("stacks", "ls", "--machine", "")).toEqual(["web"]);
    expect(await complete("stacks", "ls", "--state", "L")).toEqual(["LIVE"]);
    expect(await complete("stacks", "ls", "--condition", "st")).toEqual(["stalled"]);
    expect(await complete("send", "pr-12", "")).toEqual(["OPEN", "CLOSE"]);
    expect(await complete("send", "pr-12", "CLOSE", "--until", "G")).toEqual(["GONE"]);
    expect(await complete("graph", "web", "--format", "m")).toEqual(["mermaid"]);
    expect(await complete("stacks", "show", "--url", "http://127.0.0.1:1", "")).toEqual([]);
    const env = { STACKYARD_URL: "http://127.0.0.1:1", STACKYARD_TOKEN: "t" };
    expect((await runCli(["__complete", "--", "graph", "w"], { cwd, env })).stdout).toBe("web\n");
  });
});
