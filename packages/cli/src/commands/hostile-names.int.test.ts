import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, CLOSE]
states:
  INIT: { on: { OPEN: [{ action: advance, state: IDLE }] } }
  IDLE: { on: { CLOSE: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks: {}
`;
const FORGED = "2026-01-01 00:00:00Z  CLOSE  applied";
/** A name that would add a line of its own, clear the screen and turn the text around. */
const HOSTILE = `NOPE\n${FORGED}\u001b[2J\u009b8m\u202e`;

describe("names from outside, printed to a terminal", () => {
  const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}", "machines/m.yaml": MACHINE });
  const run = (...words: string[]) => runCli(words, { cwd, terminal: true, env: { COLUMNS: "400" } });
  let dev: RunningCli;
  let following: RunningCli;

  beforeAll(async () => {
    dev = startCli(["dev", "--port", "0"], { cwd, terminal: true });
    await dev.line((line) => line.includes("Ctrl-C stops"));
    const { url } = JSON.parse(readFileSync(join(cwd, ".stackyard/server.json"), "utf8"));
    const token = readFileSync(join(cwd, ".stackyard/token"), "utf8").trim();
    following = startCli(["stacks", "watch", "a", "--since", "0"], { cwd, terminal: true });
    const open = { event: "OPEN", stackId: "a", machine: "m", metadata: { k: `NOPE\n${FORGED}` } };
    for (const body of [open, { event: HOSTILE, stackId: "a" }, { event: HOSTILE, stackId: "b", machine: "m" }]) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch(`${url}/v1/events`, { method: "POST", headers, body: JSON.stringify(body) });
      expect(answer.status).toBe(202);
    }
    await dev.line((line) => line.includes("NOPE") && line.includes("mb\u001b["));
    await following.line((line) => line.includes("NOPE"));
  });
  afterAll(async () => {
    following.interrupt();
    dev.interrupt();
    await Promise.all([following.result, dev.result]);
    remove();
  });

  const check = (text: string) => {
    expect(text).toMatch(/NOPE\\+n2026-01-01/);
    for (const line of text.split("\n")) expect(line).not.toMatch(/^[^N]*2026-01-01/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(text).not.toMatch(/\u001b\[2J|\u009b|\u202e/);
  };

  it.each([
    ["stacks", "history", "a"],
    ["stacks", "show", "a"],
    ["stacks", "history", "b"],
  ])("stay one line in %s %s %s", async (...words) => {
    const { stdout, stderr } = await run(...words);

    check(stdout + stderr);
  });

  it("stay one line in what dev and a watcher follow", async () => {
    following.interrupt();

    check((await following.result).stdout);
    dev.interrupt();
    check((await dev.result).stdout);
  });

  it("are whole in JSON", async () => {
    dev = await startDev(cwd);
    const { stdout } = await run("stacks", "history", "a", "--json");

    expect(parseLines(stdout).map(({ event }) => event)).toContain(HOSTILE);
  });
});
