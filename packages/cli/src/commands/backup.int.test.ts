import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: OPENED}]}}
  OPENED: {}
tasks: {}
`;

describe("backup and restore", () => {
  let cwd = "";
  let remove = () => {};
  const run = (...words: string[]) => runCli(words, { cwd });

  async function startDev(): Promise<RunningCli> {
    const dev = startCli(["dev", "--port", "0"], { cwd });
    await dev.line((line) => line.includes("Ctrl-C stops"));
    return dev;
  }
  async function stop(dev: RunningCli): Promise<void> {
    dev.interrupt();
    await dev.result;
  }
  async function open(stack: string): Promise<void> {
    const dev = await startDev();
    await run("send", stack, "OPEN", "--machine", "m", "--wait");
    await stop(dev);
  }
  async function listStacks(): Promise<readonly unknown[]> {
    const dev = await startDev();
    const { stdout } = await run("stacks", "ls", "--json");
    await stop(dev);
    return parseLines(stdout).map(({ id }) => id);
  }

  beforeEach(() => {
    ({ folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}", "machines/m.yaml": MACHINE }));
  });
  afterEach(() => remove());

  it("bring a store back as it was, and keep the one that it replaces", async () => {
    await open("first");
    const written = await run("backup", "yard.backup", "--json");
    await open("second");

    const refused = await run("restore", "yard.backup");
    const restored = await run("restore", "yard.backup", "--replace");

    expect(parseLines(written.stdout)).toEqual([
      { file: join(cwd, "yard.backup"), bytes: expect.any(Number), folder: join(cwd, ".stackyard") },
    ]);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("--replace")]);
    expect([restored.exitCode, restored.stderr]).toEqual([0, expect.stringContaining("Terraform states")]);
    expect(await listStacks()).toEqual(["first"]);
    expect(readdirSync(join(cwd, ".stackyard")).join()).toContain("stackyard.db.before-");
  });

  it("restores into a data folder that is not there yet", async () => {
    await open("first");
    await run("backup", "yard.backup");
    writeFileSync(join(cwd, "stackyard.config.json"), '{"dataDir": "other"}');

    expect((await run("restore", "yard.backup")).exitCode).toBe(0);
    expect(await listStacks()).toEqual(["first"]);
  });

  it("refuse while dev runs, and say who has the store", async () => {
    await open("first");
    await run("backup", "yard.backup");
    const dev = await startDev();

    const results = [await run("backup", "other.backup"), await run("restore", "yard.backup", "--replace")];
    await stop(dev);

    for (const { exitCode, stderr } of results) {
      expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/STORE_LOCKED.*process \d+/)]);
    }
    expect(existsSync(join(cwd, "other.backup"))).toBe(false);
  });

  it("replace no file, and copy no store that is not there", async () => {
    const none = await run("backup", "yard.backup");
    await open("first");
    await run("backup", "yard.backup");

    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("There is no store")]);
    expect((await run("backup", "yard.backup")).exitCode).toBe(1);
    expect((await run("backup", "yard.backup", "--replace")).exitCode).toBe(0);
  });

  it("leave other stores to their own tools", async () => {
    writeFileSync(join(cwd, "stackyard.config.json"), '{"store": "postgres"}');

    for (const command of ["backup", "restore"]) {
      const { exitCode, stderr } = await run(command, "yard.backup");
      expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/store is "postgres"[\s\S]*pg_dump/)]);
    }
  });

  it.each([
    ["a file that is not there", "nowhere.backup", 1, "There is no backup"],
    ["a file that is no backup", "stackyard.config.json", 3, "cannot be restored"],
  ])("restore tells %s", async (_what, file, exitCode, told) => {
    const result = await run("restore", file);

    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(told)]);
    expect(existsSync(join(cwd, ".stackyard/stackyard.db"))).toBe(false);
  });
});
