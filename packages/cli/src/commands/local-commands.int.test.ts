import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const fixtures = fileURLToPath(new URL("../../../core/fixtures/machines/valid/", import.meta.url));
const VALID =
  "version: 1\nevents: [GO]\nstates:\n  INIT:\n    on:\n      GO:\n        - {action: advance, state: END}\n  END: {terminal: true}\ntasks: {}\n";
const INVALID =
  "version: 1\nevents: [GO]\nstates:\n  INIT:\n    on:\n      GO:\n        - {action: advance, state: EDN}\n  END: {terminal: true}\ntasks: {}\n";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>> = {}): string {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

describe("validate", () => {
  it("prints one object a file, and ends with 1 when one is invalid", async () => {
    const cwd = aProject({ "good.yaml": VALID, "bad.yaml": INVALID });

    const { exitCode, stdout, stderr } = await runCli(["validate", "good.yaml", "bad.yaml", "--json"], { cwd });

    expect([exitCode, stderr]).toEqual([1, ""]);
    expect(parseLines(stdout)).toEqual([
      { file: "good.yaml", valid: true, problems: [] },
      {
        file: "bad.yaml",
        valid: false,
        problems: [
          {
            severity: "error",
            code: "advance-state-undefined",
            path: "states.INIT.on.GO.0.state",
            line: 7,
            column: 36,
            message: expect.stringContaining("EDN"),
          },
        ],
      },
    ]);
  });

  it("reads a pipe, and waits for one without a writer only until it is interrupted", async () => {
    const cwd = aProject({ "bad.yaml": INVALID });
    execFileSync("mkfifo", [join(cwd, "pipe")]);

    const waiting = startCli(["validate", "pipe"], { cwd });
    waiting.interrupt();
    const interrupted = await waiting.result;
    const read = runCli(["validate", "pipe", "--json"], { cwd });
    spawn("sh", ["-c", "cat bad.yaml > pipe"], { cwd });

    expect(interrupted).toMatchObject({ exitCode: 130, stderr: expect.stringContaining("INTERRUPTED") });
    expect(await read).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("EDN") });
  });

  it("checks the documents of plugins too, against the machines of the project", async () => {
    const hosts = fileURLToPath(new URL("../../../hosts/src/index.ts", import.meta.url));
    const options = { hosts: { github: { type: "github", secrets: [{ env: "SECRET" }] } } };
    const cwd = aProject({
      "machines/good.yaml": VALID,
      "hooks/shop.yaml":
        "host: github\nmachine: good\nstack: pr\npull: { open: { send: GO }, closed: { send: GONE } }\n",
      "stackyard.config.json": JSON.stringify({ plugins: [{ use: hosts, options }] }),
    });

    const { exitCode, stdout, stderr } = await runCli(["validate"], { cwd });

    expect(exitCode).toBe(1);
    expect(stdout).toContain("ok   machines/good.yaml");
    expect(stdout).toMatch(/FAIL hooks\/shop\.yaml\n.*rule-event.*pull\.closed\.send.*declares no event "GONE"/);
    expect(stderr).toBe("1 machine, no errors.\n1 document, 1 with errors.\n");
  });

  it("checks the machine files of a folder, each with its place and code for people", async () => {
    const cwd = aProject({ "machines/good.yaml": VALID, "machines/bad.yml": INVALID, "machines/notes.txt": "x" });

    const { exitCode, stdout, stderr } = await runCli(["validate", "machines"], { cwd });

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^FAIL machines\/bad\.yml\n {2}7:36 {2}error {2}advance-state-undefined {2}states\.INIT.*EDN.*\nok {3}machines\/good\.yaml\n$/s,
    );
    expect(stderr).toBe("2 machines, 1 with errors.\n");
  });

  it("takes warnings for errors with --strict", async () => {
    const cwd = aProject({ "m.yaml": VALID.replace("  END: {terminal: true}\n", "  END: {}\n") });

    expect((await runCli(["validate", "m.yaml"], { cwd })).exitCode).toBe(0);
    expect((await runCli(["validate", "m.yaml", "--strict"], { cwd })).exitCode).toBe(1);
  });

  it("could not start when a path is not there, and names every such path", async () => {
    const cwd = aProject({ "good.yaml": VALID });

    const { exitCode, stdout, stderr } = await runCli(["validate", "good.yaml", "a.yaml", "b"], { cwd });

    expect([exitCode, stdout]).toEqual([3, ""]);
    expect(stderr).toContain('"a.yaml", "b"');
  });

  it("takes the project's machines without a file, from any folder of the project", async () => {
    const cwd = aProject({
      "stackyard.config.json": '{"machines": "states"}',
      "states/a.yaml": VALID,
      "states/b.yaml": "version: 1\n",
      "sub/x": "",
    });

    const { exitCode, stdout, stderr } = await runCli(["validate", "--json"], { cwd: join(cwd, "sub") });

    expect([exitCode, stderr]).toEqual([1, ""]);
    expect(parseLines(stdout).map(({ file, valid }) => [file, valid])).toEqual([
      ["../states/a.yaml", true],
      ["../states/b.yaml", false],
    ]);
  });

  it("says which folder is missing or empty without a file", async () => {
    const missing = await runCli(["validate"], { cwd: aProject() });
    const empty = await runCli(["validate"], { cwd: aProject({ "machines/readme.md": "" }) });

    expect([missing.exitCode, missing.stderr]).toEqual([
      3,
      expect.stringContaining('folder "machines" does not exist'),
    ]);
    expect([empty.exitCode, empty.stderr]).toEqual([0, 'No machine files in "machines".\n']);
  });

  it("knows the executors of the project's plugins", async () => {
    const plugin =
      'export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [{ name: "nap", config: { type: "object", properties: { seconds: { type: "number" } }, additionalProperties: false }, resumable: true, start() {} }] };';
    const machine = (config: string) =>
      VALID.replace("tasks: {}", `tasks:\n  rest: {executor: nap, config: ${config}}`).replace(
        "{terminal: true}",
        "{terminal: true, tasks: [rest]}",
      );
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": plugin,
      "good.yaml": machine("{seconds: 1}"),
      "bad.yaml": machine("{minutes: 1}"),
    });

    const { stdout } = await runCli(["validate", "good.yaml", "bad.yaml", "--json"], { cwd });

    expect(parseLines(stdout)).toMatchObject([
      { valid: true },
      { valid: false, problems: [{ code: "config-invalid" }] },
    ]);
  });

  it("reports every error of the configuration at once", async () => {
    const cwd = aProject({ "stackyard.config.json": '{"machine": "x", "concurrency": 0}', "good.yaml": VALID });

    const { exitCode, stderr } = await runCli(["validate", "good.yaml", "--json"], { cwd });

    expect(exitCode).toBe(3);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: "CONFIG_INVALID", message: expect.stringContaining("2 errors") },
    });
  });
});

describe("graph", () => {
  it.each([
    ["mermaid", /^stateDiagram-v2\n/],
    ["dot", /^digraph machine \{/],
    ["svg", /^<svg /],
  ])("draws %s", async (format, begin) => {
    const cwd = aProject({ "m.yaml": VALID });

    const { exitCode, stdout } = await runCli(["graph", "m.yaml", "--format", format], { cwd });

    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(begin)]);
  });

  it("finds a machine of the project by its name, and writes to a file", async () => {
    const cwd = aProject({ "stackyard.config.json": "{}", "machines/m.yaml": VALID });

    const { exitCode, stdout } = await runCli(["graph", "m", "-o", "m.mmd"], { cwd });

    expect([exitCode, stdout]).toEqual([0, ""]);
    expect(readFileSync(join(cwd, "m.mmd"), "utf8")).toContain("GO");
  });

  it("shows the errors of a machine instead", async () => {
    const cwd = aProject({ "m.yaml": INVALID });

    const { exitCode, stderr } = await runCli(["graph", "m.yaml"], { cwd });

    expect(exitCode).toBe(1);
    expect(stderr).toContain("advance-state-undefined");
  });
});

describe("simulate", () => {
  it("works the steps as the engine decides, one object a step", async () => {
    const steps = [
      { event: { stackId: "s", event: "OPENED", machine: "review-app", metadata: { sha: "a1" } } },
      { task: "db", result: "succeeded" },
      { event: { stackId: "s", event: "PUSHED" } },
      { task: "network", result: "failed", message: "quota" },
    ];

    const { exitCode, stdout } = await runCli(
      ["simulate", join(fixtures, "review-app.yaml"), "--steps", "-", "--json"],
      {
        stdin: JSON.stringify(steps),
      },
    );

    expect(exitCode).toBe(0);
    const lines = parseLines(stdout);
    expect(lines.map(({ step, outcome, code, dispatched }) => ({ step, outcome, code, dispatched }))).toEqual([
      { step: 1, outcome: "applied", code: undefined, dispatched: ["network", "db"] },
      { step: 2, outcome: "applied", code: undefined, dispatched: [] },
      { step: 3, outcome: "refused", code: "EVENT_NOT_HANDLED", dispatched: [] },
      { step: 4, outcome: "applied", code: undefined, dispatched: [] },
    ]);
    expect(lines[3]).toMatchObject({
      stack: {
        id: "s",
        machine: "review-app",
        state: "BUILD",
        previousState: "INIT",
        metadata: { sha: "a1" },
        tasks: [
          { name: "network", status: "ERROR", errorMessage: "quota" },
          { name: "db", status: "SATISFIED" },
        ],
      },
      messages: [],
    });
  });

  it("takes folders, and steps from a file of lines", async () => {
    const cwd = aProject({
      "machines/m.yaml": VALID,
      "steps.jsonl": '{"event":{"stackId":"a","event":"GO","machine":"m"}}\n',
    });

    const { exitCode, stdout } = await runCli(["simulate", "machines", "--steps", "steps.jsonl", "--json"], { cwd });

    expect([exitCode, parseLines(stdout)]).toMatchObject([0, [{ outcome: "removed", stack: null }]]);
  });

  it("rejects events of a machine with errors, and ends with 1 when it was named", async () => {
    const cwd = aProject({
      "machines/m.yaml": INVALID,
      "steps.json": '[{"event":{"stackId":"a","event":"GO","machine":"m"}}]',
    });

    const named = await runCli(["simulate", "machines/m.yaml", "--steps", "steps.json", "--json"], { cwd });
    const inFolder = await runCli(["simulate", "machines", "--steps", "steps.json", "--json"], { cwd });

    expect([named.exitCode, inFolder.exitCode]).toEqual([1, 0]);
    expect(parseLines(named.stdout)).toMatchObject([{ outcome: "refused", code: "MACHINE_INVALID" }]);
  });

  it("reports invalid steps by number, and missing steps", async () => {
    const cwd = aProject({ "m.yaml": VALID });
    const simulate = (stdin: string) => runCli(["simulate", "m.yaml", "--steps", "-"], { cwd, stdin });

    const wrong = await simulate('[{"event":{"stackId":"s","event":"GO","machine":"m"}},{"evnt":1}]');
    const empty = await simulate("[]");

    expect([wrong.exitCode, wrong.stdout]).toEqual([3, ""]);
    expect(wrong.stderr).toMatch(/step 2: .*Did you mean "event"/);
    expect(empty).toEqual({ exitCode: 0, stdout: "", stderr: "No steps to simulate.\n" });
  });

  it.each([
    ["missing steps", ["simulate", "m.yaml"], 64],
    ["a file that is not there", ["simulate", "m.yaml", "--steps", "nope"], 3],
    ["steps that are no JSON", ["simulate", "m.yaml", "--steps", "m.yaml"], 3],
    ["a machine that is not there", ["simulate", "nope.yaml", "--steps", "-"], 3],
    ["one name in two files", ["simulate", "m.yaml", "other/m.yaml", "--steps", "-"], 3],
  ])("reports %s", async (_what, words, exitCode) => {
    const cwd = aProject({ "m.yaml": VALID, "other/m.yaml": VALID });

    expect((await runCli(words, { cwd })).exitCode).toBe(exitCode);
  });
});

describe("init", () => {
  it("writes a project that is valid, also for --strict", async () => {
    const cwd = aProject();

    const { exitCode, stdout } = await runCli(["init", "new", "--json"], { cwd });
    const checked = await runCli(["validate", join(cwd, "new/machines"), "--strict"]);

    expect([exitCode, checked.exitCode]).toEqual([0, 0]);
    expect(parseLines(stdout)[0]?.["written"]).toContain(".gitignore");
    expect(existsSync(join(cwd, "new/stackyard.config.ts"))).toBe(true);
  });

  it("shows a way into its folder that a shell reads, whatever the folder is called", async () => {
    const cwd = aProject();
    const folder = "it's `id` $(id)";

    const { stdout } = await runCli(["init", folder], { cwd });
    const [, line = ""] = /^ {2}(cd .*)$/m.exec(stdout) ?? [];

    expect(execFileSync("sh", ["-c", `${line} && pwd`], { cwd, encoding: "utf8" })).toBe(`${join(cwd, folder)}\n`);
  });

  it("names the packages and the first event of previews", async () => {
    const cwd = aProject({ "package.json": "{}" });

    const { exitCode, stdout } = await runCli(["init", "--template", "previews"], { cwd });

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/npm install (\S+packages\/)cli \1sdk \1hosts \1previews$/m);
    expect(stdout).toContain("npx --no stackyard dev --groups reviewers");
    expect(stdout).toContain("send shop-pr-1 OPENED --machine preview --metadata sha=9f1c --until LIVE");
  });

  it("overwrites nothing without --force, and then writes nothing at all", async () => {
    const cwd = aProject({ "stackyard.config.ts": "mine" });

    const refused = await runCli(["init"], { cwd });
    expect([refused.exitCode, existsSync(join(cwd, "machines"))]).toEqual([1, false]);
    expect(refused.stderr).toContain("stackyard.config.ts");

    expect((await runCli(["init", "--force"], { cwd })).exitCode).toBe(0);
    expect(readFileSync(join(cwd, "stackyard.config.ts"), "utf8")).toContain("defineConfig");
  });

  it("lists the templates, and names the one that was meant", async () => {
    const cwd = aProject();
    const listed = await runCli(["init", "--list", "--json"], { cwd });
    const wrong = await runCli(["init", "--template", "sandbx"], { cwd });

    const names = listed.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).name);
    expect(names).toEqual(["review-app", "minimal", "staging", "sandbox", "previews", "promotion"]);
    expect([wrong.exitCode, wrong.stderr]).toEqual([64, expect.stringContaining("(Did you mean sandbox?)")]);
    expect(existsSync(join(cwd, "machines"))).toBe(false);
  });

  it("leaves package.json and README.md of a folder as they are", async () => {
    const cwd = aProject({ "package.json": "{}", "README.md": "mine" });

    const { exitCode, stdout } = await runCli(["init"], { cwd });

    expect([exitCode, readFileSync(join(cwd, "package.json"), "utf8")]).toEqual([0, "{}"]);
    expect(stdout).toMatch(/npm install (\S+\/packages\/)cli \1sdk$/m);
  });
});

describe("commands of packages", () => {
  it.each([
    ["fleet run x", "@stackyard/executor-runcommand"],
    ["apps publish --bucket b", "@stackyard/deployment"],
    ["ecs logs x", "@stackyard/executor-ecs"],
    ["artifacts publish --help", "@stackyard/distributor"],
    ["hooks ls", "@stackyard/hosts"],
    ["queue ls", "@stackyard/hosts"],
    ["hosts setup github", "@stackyard/hosts"],
    ["notify test", "@stackyard/notifications"],
  ])("of ours that are missing say what to install: %s", async (words, name) => {
    const { exitCode, stderr } = await runCli(words.split(" "), { cwd: aProject() });

    const folder = new RegExp(`npm install /\\S+/packages/${name.replace("@stackyard/", "")}\`, and add "${name}"`);
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(folder)]);
  });

  it("of plugins name the address of a server that is down", async () => {
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": `import { Stackyard } from ${JSON.stringify(new URL("../../../sdk/src/index.ts", import.meta.url).href)};
      export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
        name: "tea ls", summary: "List.", args: { type: "object", properties: {} },
        run({ server }) { return new Stackyard({ ...server, retries: 0 }).stacks.get("tea"); },
      }] };`,
    });

    const { exitCode, stderr } = await runCli(["tea", "ls", "--url", "http://127.0.0.1:9", "--token", "t"], { cwd });

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("cannot be reached at http://127.0.0.1:9: ")]);
  });

  it("of a project's plugins join in, with their arguments checked and the server's address", async () => {
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
        name: "tea brew", summary: "Brew tea.",
        args: { type: "object", properties: { leaf: { type: "string" }, cups: { type: "integer" } }, required: ["leaf"] },
        async run({ out, server }, args) { out.result({ server, args }, () => "brewed"); return 7; },
      }] };`,
    });
    const words = ["--url", "http://127.0.0.1:1", "--token", "t"];

    const { exitCode, stdout } = await runCli(["tea", "brew", "green", "--cups", "2", "--json", ...words], { cwd });
    const wrong = await runCli(["tea", "brew", "green", "--cups", "x", ...words], { cwd });
    const help = await runCli(["--help"], { cwd });

    expect([exitCode, wrong.exitCode]).toEqual([7, 64]);
    expect(parseLines(stdout)).toEqual([
      { server: { url: "http://127.0.0.1:1", token: "t" }, args: { leaf: "green", cups: 2 } },
    ]);
    expect(help.stdout).toContain("tea");
  });

  it("have descriptions and examples in their help, and know where relative paths start", async () => {
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
        name: "fleet tea", summary: "Brew tea.", description: "For a whole fleet.",
        examples: { "stackyard fleet tea --cups 9": "For nine" },
        args: { type: "object", properties: {} }, run({ out, cwd }) { out.result({ cwd }, () => cwd); return 0; },
      }] };`,
    });

    const help = await runCli(["fleet", "tea", "--help"], { cwd });
    const group = await runCli(["fleet", "--help"], { cwd });
    const { stdout } = await runCli(["fleet", "tea", "--url", "http://127.0.0.1:1", "--json"], { cwd });

    expect(help.stdout).toContain("For a whole fleet.");
    expect(help.stdout).toContain('From the plugin "p".');
    expect(help.stdout).toContain("stackyard fleet tea --cups 9\n      For nine");
    expect(group.stdout).toContain("Run commands on fleets of EC2 instances");
    expect(parseLines(stdout)).toEqual([{ cwd }]);
  });

  it("of an installed package report a wrong flag, not a missing package", async () => {
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
        name: "apps ls", summary: "List.", args: { type: "object", properties: {} }, run: () => 0,
      }] };`,
    });

    const { exitCode, stderr } = await runCli(["apps", "ls", "--bogus"], { cwd });

    expect([exitCode, stderr]).toEqual([64, expect.stringContaining("--bogus")]);
    expect(stderr).not.toContain("npm install");
  });

  it("may have an argument of their own where ours say which server, and see environment, data folder and yards", async () => {
    const cwd = aProject({
      "stackyard.config.json":
        '{"plugins": ["./plugin.mjs"], "dataDir": "data", "yards": {"prod": {"type": "aws", "region": "eu-west-1"}}}',
      "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
        name: "tea where", summary: "Where.", args: { type: "object", properties: { yard: { type: "string" } } },
        async run({ out, dataDir, environment, yards }, args) {
          out.result({ args, dataDir, tea: environment.TEA, yards }, () => "");
          return 0;
        },
      }] };`,
    });

    const words = ["tea", "where", "--yard", "elsewhere", "--url", "http://127.0.0.1:1", "--json"];
    const { exitCode, stdout } = await runCli(words, { cwd, env: { TEA: "green" } });

    expect(exitCode).toBe(0);
    expect(parseLines(stdout)).toEqual([
      {
        args: { yard: "elsewhere" },
        dataDir: join(cwd, "data"),
        tea: "green",
        yards: { prod: { type: "aws", region: "eu-west-1" } },
      },
    ]);
  });
});

describe("doctor", () => {
  it("fails for a machine with errors, and says what to do", async () => {
    const cwd = aProject({ "stackyard.config.json": "{}", "machines/m.yaml": INVALID });

    const { exitCode, stdout } = await runCli(["doctor", "--json"], { cwd });

    expect(exitCode).toBe(1);
    const found = new Map(parseLines(stdout).map(({ check, status }) => [check, status]));
    expect([found.get("node"), found.get("machines"), found.get("server"), found.get("store")]).toEqual([
      "ok",
      "fail",
      "warn",
      "ok",
    ]);
  });

  it("warns of a plugin's commands that ours hide", async () => {
    const names = ["send", "send tea", "stacks", "stacks purge"].map(
      (name) => `{ name: "${name}", summary: "", args: {}, run() {} }`,
    );
    const cwd = aProject({
      "stackyard.config.json": '{"plugins": ["./p.mjs"]}',
      "p.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [${names.join()}] };`,
      "machines/m.yaml": VALID,
    });

    const { exitCode, stdout } = await runCli(["doctor", "--json"], { cwd, env: { PATH: "/nowhere" } });

    expect(exitCode).toBe(0);
    expect(parseLines(stdout)).toContainEqual({
      check: "commands",
      status: "warn",
      message:
        'Commands of Stackyard hide "send" of the plugin "p", "send tea" of the plugin "p", "stacks" of the plugin "p".',
      hint: "Ask the plugin's author for other names.",
    });
  });

  it("ends with 0 when only something optional is missing", async () => {
    const cwd = aProject({ "stackyard.config.json": "{}", "machines/m.yaml": VALID });

    const { exitCode, stdout } = await runCli(["doctor"], { cwd, env: { PATH: "/nowhere" } });

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/warn {2}terraform/);
  });

  it("checks the embedded store, and only warns about a database that is configured in the environment alone", async () => {
    const cwd = aProject({ "stackyard.config.json": "{}", "machines/m.yaml": VALID });
    const env = { PATH: "/nowhere", DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" };

    const { exitCode, stdout } = await runCli(["doctor", "--json"], { cwd, env });

    expect(exitCode).toBe(0);
    expect(parseLines(stdout).filter(({ check }) => check === "store")).toEqual([
      { check: "store", status: "ok", message: expect.stringContaining(join(cwd, ".stackyard")) },
      {
        check: "store",
        status: "warn",
        message: expect.stringMatching(/^DATABASE_URL names a store/),
        hint: expect.stringContaining("set `store` in the configuration"),
      },
    ]);
  });

  it("fails without Terraform when a machine needs it", async () => {
    const cwd = aProject();
    await runCli(["init"], { cwd });
    writeFileSync(join(cwd, "stackyard.config.ts"), "export default {};");

    const { exitCode, stdout } = await runCli(["doctor"], { cwd, env: { PATH: "/nowhere" } });

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/fail {2}terraform/);
  });
});
