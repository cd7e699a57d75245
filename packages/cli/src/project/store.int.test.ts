import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLogger } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";
import { openStore } from "./store.ts";

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
    const without = await run("dev", "--port", "0");
    copyFileSync(join(cwd, ".stackyard/seal-key"), join(cwd, "other/seal-key"));

    expect([without.exitCode, without.stderr]).toEqual([3, expect.stringContaining("SEAL_KEY_MISSING")]);
    expect(await listStacks()).toEqual(["first"]);
  });

  it("copy while dev runs, and restore only when it does not", async () => {
    await open("first");
    const dev = await startDev();

    const copied = await run("backup", "yard.backup");
    const { exitCode, stderr } = await run("restore", "yard.backup", "--replace");
    await stop(dev);

    expect([copied.exitCode, copied.stderr]).toEqual([0, expect.stringContaining("with the key in")]);
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/STORE_LOCKED.*process \d+/)]);
    expect((await run("restore", "yard.backup", "--replace")).exitCode).toBe(0);
  });

  it("replace no file, and copy no store that is not there", async () => {
    const none = await run("backup", "yard.backup");
    await open("first");
    await run("backup", "yard.backup");

    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("No store found")]);
    expect((await run("backup", "yard.backup")).exitCode).toBe(1);
    expect((await run("backup", "yard.backup", "--replace")).exitCode).toBe(0);
    const onto = await run("backup", ".stackyard/stackyard.db", "--replace");
    expect([onto.exitCode, onto.stderr]).toEqual([64, expect.stringContaining("is a file of the store itself")]);
  });

  it("leave other stores to their own tools", async () => {
    writeFileSync(join(cwd, "stackyard.config.json"), '{"store": "postgres"}');

    for (const command of ["backup", "restore"]) {
      const { exitCode, stderr } = await run(command, "yard.backup");
      expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/store is "postgres"[\s\S]*pg_dump/)]);
    }
  });

  it.each([
    ["a file that is not there", "nowhere.backup", 1, "not found"],
    ["a file that is not a backup", "stackyard.config.json", 3, "cannot be restored"],
  ])("restore reports %s", async (_what, file, exitCode, told) => {
    const result = await run("restore", file);

    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(told)]);
    expect(existsSync(join(cwd, ".stackyard/stackyard.db"))).toBe(false);
  });
});

const calls = ["load", "commit", "claim", "takeDue", "enqueue", "watch", "close"].map((name) => `${name}() {}`).join();
const files = {
  "good.mjs": `export const createStore = async (options, context) => ({ ${calls}, records: {}, given: { options, context } });`,
  "class.mjs": `class S { ${calls.replaceAll(",", ";")} records = {}; }; export const createStore = () => new S();`,
  "half.mjs": "export const createStore = async () => ({ load() {} });",
  "nothing.mjs": "export const createStore = async () => undefined;",
  "other.mjs": "export default 1;",
  "broken.mjs": "export const createStore = async () => { throw new Error('no route to host'); };",
};

let remove = () => {};
afterEach(() => remove());

function open(use: string, name = use) {
  const project = makeTempProject(files);
  remove = project.remove;
  const env = { SECRET: "s" };
  const choice = { kind: "package", name, use, options: { a: 1 } } as const;
  return { project, store: openStore(choice, { projectDir: project.folder, env, logger: silentLogger }) };
}

describe("openStore", () => {
  it("hands a package its options, the project's folder, the environment and a logger", async () => {
    const { project, store } = open("./good.mjs");

    expect(await store).toMatchObject({
      given: {
        options: { a: 1 },
        context: { projectDir: project.folder, environment: { SECRET: "s" }, logger: silentLogger, migrate: true },
      },
    });
  });

  it("takes a store that is an object of a class", async () => {
    expect(await open("./class.mjs").store).toBeDefined();
  });

  it("says what to install where one of our own packages is missing", async () => {
    await expect(open("@stackyard/store-absent", "postgres").store).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(
        /^The store "postgres" cannot be loaded: .*`npm install \/\S+\/packages\/store-absent`/,
      ),
    });
  });

  it.each([
    ["./half.mjs", "CONFIG_INVALID", '"./half.mjs" is not a store: `createStore` must resolve with a Store.'],
    ["./nothing.mjs", "CONFIG_INVALID", "must resolve with a Store"],
    ["./other.mjs", "CONFIG_INVALID", "does not export `createStore`"],
    ["./absent.mjs", "CONFIG_INVALID", "not found"],
    ["./broken.mjs", "STORE_UNAVAILABLE", 'The store "./broken.mjs" cannot be opened: no route to host'],
    ["@acme/store", "CONFIG_INVALID", "Install it with `npm install @acme/store`."],
  ])("reports what is wrong with %s", async (use, code, told) => {
    await expect(open(use).store).rejects.toMatchObject({ code, message: expect.stringContaining(told) });
  });
});
