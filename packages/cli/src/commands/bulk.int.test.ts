import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, TOGGLE]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [good], on: {NEXT: [{action: advance, state: OFF}]}}
  OFF: {on: {TOGGLE: [{action: advance, state: ON}]}}
  ON: {on: {TOGGLE: [{action: advance, state: OFF}]}}
tasks:
  good: {executor: lambda, config: {name: good}}
`;
const CONFIG = {
  executors: {
    lambda: { mode: "local", functions: { good: { command: ["sh", "-c", "echo one >&2; echo two >&2; echo {}"] } } },
  },
};

describe("commands over many stacks, and what to attach to an incident", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": JSON.stringify(CONFIG),
    "machines/m.yaml": MACHINE,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  let dev: RunningCli;
  beforeAll(async () => {
    dev = await startDev(cwd);
    for (const id of ["a-1", "a-2", "b-1"]) await run("send", id, "OPEN", "--machine", "m", "--until", "OFF");
  });
  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("shows in a dry run what would happen, then does it and shows the outcome of each", async () => {
    const words = ["bulk", "run", "send", "--event", "TOGGLE", "--id-prefix", "a-"];

    const plan = await run(...words, "--dry-run");
    const done = await run(...words, "--plan", /--plan (\w+)/.exec(plan.stdout)?.[1] ?? "", "--reason", "demo");
    const json = await run("bulk", "ls", "--json");

    expect([plan.exitCode, plan.stdout]).toEqual([
      0,
      expect.stringMatching(/2 items\. Nothing was changed\.[\s\S]*2 +applied/),
    ]);
    expect([done.exitCode, done.stdout]).toEqual([
      0,
      expect.stringContaining("send TOGGLE: done, 2 of 2 items (2 applied)"),
    ]);
    const [bulk] = parseLines(json.stdout) as { id: string }[];
    expect(bulk).toMatchObject({ operation: "send", status: "done", reason: "demo", counts: { applied: 2 } });
    const items = await run("bulk", "show", bulk?.id ?? "", "--items");
    expect(items.stdout).toMatch(/1 +a-1 +applied[\s\S]*2 +a-2 +applied/);
    expect((await run("bulk", "cancel", bulk?.id ?? "")).stdout).toContain("done, 2 of 2");
  });

  it("exits with 1 and shows why where items were refused, and rejects what is missing", async () => {
    const refused = await run("bulk", "run", "cancel", "--task", "good", "--machine", "m");

    expect([refused.exitCode, refused.stdout]).toEqual([
      1,
      expect.stringMatching(/\(3 refused\)[\s\S]*a-1 +refused +[A-Z_]+/),
    ]);
    expect((await run("bulk", "run", "retry")).exitCode).toBe(64);
    expect((await run("bulk", "run", "retry", "--all", "--machine", "m")).exitCode).toBe(64);
    expect((await run("bulk", "run", "remove", "--all", "--reason", "r")).stderr).toContain("plan");
    const changed = await run("bulk", "run", "remove", "--all", "--reason", "r", "--plan", "7".repeat(32));
    expect([changed.exitCode, changed.stderr]).toEqual([1, expect.stringContaining("Make another dry run")]);
    expect((await run("bulk", "show", "none")).exitCode).toBe(1);
  });

  it("saves a bundle once, and shows whole logs", async () => {
    const first = await run("stacks", "bundle", "b-1");
    const again = await run("stacks", "bundle", "b-1");
    const page = await run("stacks", "bundle", "b-1", "--html", "--output", "-");
    const logs = await eventually(() => run("stacks", "logs", "b-1", "--full"));

    const file = join(cwd, "stackyard-b-1.json");
    expect([first.exitCode, existsSync(file)]).toEqual([0, true]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ format: 1, stack: { id: "b-1" }, cut: [] });
    expect([again.exitCode, again.stderr]).toEqual([64, expect.stringContaining("it exists already")]);
    // Without a built console the server has no page, and says so.
    if (page.exitCode === 0) expect(page.stdout).toMatch(/^<!doctype html>[\s\S]*"stackId":"b-1"/);
    else expect(page.stderr).toContain("Ask for the JSON document");
    expect(logs.stdout).toMatch(/good, attempt 1[\s\S]*one\n[\s\S]*two/);
  });

  it("waits until each stack has reached a state, and shows which has not", async () => {
    for (const id of ["u-1", "u-2"]) await run("send", id, "OPEN", "--machine", "m", "--until", "OFF");
    const words = ["bulk", "run", "send", "--event", "TOGGLE", "--id-prefix", "u-", "--reason", "demo"];

    const reached = await run(...words, "--until", "ON");
    const missed = await run(...words, "--until", "ON");
    const both = await run(...words, "--until", "ON", "--detach");

    expect([reached.exitCode, reached.stdout]).toEqual([0, expect.stringContaining("2 of 2 stacks are in ON.")]);
    expect(missed.stdout).toMatch(/0 of 2 stacks are in ON\.\n +u-1 +OUTCOME_NEGATIVE +.*it is in OFF.*\n +u-2 /);
    expect(missed.exitCode).toBe(2);
    expect([both.exitCode, both.stderr]).toEqual([64, expect.stringContaining("--until or --detach")]);
  });

  it("finds a revision by its first digits", async () => {
    const { stdout } = await run("machines", "revisions", "m", "--json");
    const [revision] = parseLines(stdout) as { hash: string }[];
    const words = [
      "bulk",
      "run",
      "upgrade",
      "--id-prefix",
      "a-",
      "--dry-run",
      "--to",
      revision?.hash.slice(0, 6) ?? "",
    ];

    expect((await run(...words)).stderr).toMatch(/--to [0-9a-f]{6} is not a whole hash/);
    expect((await run(...words, "--machine", "m")).stdout).toContain("2 items");
  });
});
