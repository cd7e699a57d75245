import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE =
  "version: 1\nevents: [GO]\nstates:\n  INIT:\n    on:\n      GO:\n        - {action: advance, state: END}\n  END: {terminal: true}\ntasks: {}\n";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>> = {}): string {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

describe("what people get wrong", () => {
  it("has no colours in JSON errors", async () => {
    const cwd = aProject({ "m.yaml": MACHINE.replace("state: END", "state: EDN") });

    const { stderr } = await runCli(["graph", "m.yaml", "--json"], { cwd, terminal: true });

    expect(stderr).toContain("advance-state-undefined");
    expect(stderr).not.toContain("u001b");
  });

  it.each([
    ["a file where a folder should be", ["init", "m.yaml"]],
    // Linux has /proc, where no folder can be made; elsewhere a folder in the root needs rights.
    ["a place that takes no folder", ["init", "/proc/nowhere/shop", "--template", "promotion"]],
    ["a folder that is not there", ["graph", "m.yaml", "-o", "nowhere/m.svg"]],
  ])("reports %s, and does not call it a bug of Stackyard", async (_what, words) => {
    const { exitCode, stderr } = await runCli(words, { cwd: aProject({ "m.yaml": MACHINE }) });

    expect(exitCode).toBe(3);
    expect(stderr).not.toMatch(/INTERNAL|fault in Stackyard/);
  });

  it("names the choices of an argument", async () => {
    const { exitCode, stderr } = await runCli(["completion", "tcsh"]);

    expect(exitCode).toBe(64);
    expect(stderr).toContain('SHELL must be "bash", "zsh" or "fish"');
  });

  it("does not take --all for ids", async () => {
    const words = ["events", "redrive", "x", "--all", "--url", "http://127.0.0.1:1", "--token", "t"];

    expect((await runCli(words)).exitCode).toBe(64);
  });

  it("lists ten problems of a file that is not a machine, and all of them as JSON", async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `key-${index}: x\n`);
    const cwd = aProject({ "README.md": `version: 2\n${keys.join("")}` });

    const shown = await runCli(["validate", "README.md"], { cwd });
    const listed = await runCli(["validate", "README.md", "--json"], { cwd });

    const { problems } = JSON.parse(listed.stdout);
    expect(shown.exitCode).toBe(1);
    expect(shown.stdout.match(/^ +\d+:\d+ /gm)).toHaveLength(10);
    expect(shown.stdout).toContain(`… and ${problems.length - 10} more. \`stackyard validate --json\` lists all.\n`);
    expect(problems.length).toBeGreaterThan(30);
  });

  it.each([
    ["validates a folder without machines", ["validate", "empty"], 3, 'No machine files in "empty".'],
    [
      "simulates a folder without machines",
      ["simulate", "empty", "--steps", "s.json"],
      3,
      'No machine files in "empty".',
    ],
    [
      "simulates missing steps",
      ["simulate", "m.yaml", "--steps", "t.json"],
      3,
      'The steps file "t.json" does not exist.',
    ],
    [
      "simulates a folder of steps",
      ["simulate", "m.yaml", "--steps", "empty"],
      3,
      'The steps file "empty" is a folder.',
    ],
    ["omits a required flag", ["simulate", "m.yaml"], 64, "Missing required option '--steps <file>'."],
    ["mistypes a flag", ["validate", "--strcit"], 64, "Unknown option '--strcit' (Did you mean --strict?)"],
    [
      "names a dead server",
      ["stacks", "ls", "--url", "http://127.0.0.1:1"],
      3,
      "cannot be reached at http://127.0.0.1:1: ",
    ],
  ])("reports one error with a hint for a user who %s", async (_what, words, code, message) => {
    const cwd = aProject({ "m.yaml": MACHINE, "s.json": "[]", "empty/readme.md": "" });

    const { exitCode, stdout, stderr } = await runCli(words, { cwd });

    expect([exitCode, stdout]).toEqual([code, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });

  it("says in help which flags are required", async () => {
    expect((await runCli(["simulate", "--help"])).stdout).toMatch(/--steps <file>\s+Required\. /);
  });
});

describe("a configuration that does not load", () => {
  const formatFault = async (files: Readonly<Record<string, string>>) => {
    const cwd = aProject({ "m.yaml": MACHINE, ...files });
    const { exitCode, stderr } = await runCli(["validate", "m.yaml"], { cwd });
    expect(exitCode).toBe(3);
    return stderr;
  };
  const plugins = (list: string) => ({ "stackyard.config.json": `{"plugins": [${list}]}` });

  it("explains that its package does not use ES modules", async () => {
    const files = { "package.json": '{"type": "commonjs"}', "stackyard.config.js": "import 'node:fs'; !" };

    expect(await formatFault(files)).toContain('package.json says "type": "commonjs"');
  });

  it.each([
    [
      "stackyard.config.json",
      '{\n  "dataDir": "caf\xe9"\n}',
      "latin1",
      "stackyard.config.json:2:18: The file is not UTF-8",
    ],
    [
      "stackyard.config.ts",
      "// caf\xe9\nexport default {};",
      "latin1",
      "stackyard.config.ts:1:7: The file is not UTF-8",
    ],
    ["stackyard.config.json", "\uFEFF{}", "utf16le", "stackyard.config.json:1:1: The file is UTF-16."],
  ] as const)("names the place in %s that is not UTF-8", async (name, text, encoding, told) => {
    const cwd = aProject({ "m.yaml": MACHINE });
    writeFileSync(join(cwd, name), Buffer.from(text, encoding));

    const { exitCode, stderr } = await runCli(["validate", "m.yaml"], { cwd });

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(told)]);
  });

  it.each([
    ["a file that is not there", '"./plugins/tea.ts"', /file \S+\/plugins\/tea\.ts not found\.\n/],
    ["a package that is not there", '"stackyard-plugin-tea"', /`npm install stackyard-plugin-tea`/],
    ["a path that looks like a package", '"m.yaml"', /start its path with "\.\/": "\.\/m\.yaml"/],
    ["a key next to use", '{"use": "./tea.mjs", "option": {}}', /Unknown key "option" next to "use"/],
    [
      "an executor that is built in",
      '"./lambda.mjs"',
      /The plugin "lambda" contains the executor "lambda", which is built in/,
    ],
    [
      "an invalid executor",
      '"./half.mjs"',
      /The plugin "half" contains an executor that was not created by `defineExecutor`/,
    ],
  ])("reports %s", async (_what, list, told) => {
    const half =
      'export default { kind: "stackyard-plugin", name: "half", commands: [], executors: () => [{ name: "x" }] };';

    const lambda = half
      .replace('"half"', '"lambda"')
      .replace('{ name: "x" }', '{ name: "lambda", config: {}, start() {} }');

    expect(await formatFault({ ...plugins(list), "half.mjs": half, "lambda.mjs": lambda })).toMatch(told);
  });

  it("reports invalid options of a built-in executor", async () => {
    const config = { "stackyard.config.json": '{"executors": {"lambda": {"mode": "locale"}}}' };

    expect(await formatFault(config)).toMatch(/Options of "lambda": mode must be "local" or "aws"\./);
  });

  it("with a plugin that has a syntax error names its line, and shows the cause for STACKYARD_DEBUG", async () => {
    const files = { ...plugins('"./a.mjs", "./b.mjs"'), "a.mjs": "\n\nlet let = 1;\n" };
    const cwd = aProject({ "m.yaml": MACHINE, "b.mjs": "throw new Error('no leaves');", ...files });

    const { stderr } = await runCli(["validate", "m.yaml"], { cwd, env: { STACKYARD_DEBUG: "1" } });

    expect(stderr).toMatch(/"\.\/a\.mjs" cannot be loaded: SyntaxError at \S+a\.mjs:3: /);
    expect(stderr).toMatch(/Error: no leaves\n\s+at \S*b\.mjs:1/);
  });

  it("reports options of an unknown executor, also without plugins", async () => {
    const config = { "stackyard.config.json": '{"executors": {"lamda": {}}}' };

    expect(await formatFault(config)).toContain('Did you mean "lambda"?');
  });

  it("is reported once by doctor, not also as a fault of the server", async () => {
    const { exitCode, stdout } = await runCli(["doctor", "--json"], {
      cwd: aProject({ "stackyard.config.json": '{"concurrency": 0}' }),
    });

    expect(exitCode).toBe(1);
    expect(stdout.split("concurrency")).toHaveLength(2);
  });
});

describe("init in a package that is there", () => {
  it.each(['{"type": "commonjs"}', "{}"])("of %s writes a configuration that loads", async (manifest) => {
    const cwd = aProject({ "package.json": manifest });

    const { stdout } = await runCli(["init", "--json"], { cwd });
    const again = await runCli(["init"], { cwd });

    expect(JSON.parse(stdout).written).toContain("stackyard.config.mts");
    expect(again.stderr).toContain("stackyard.config.mts");
    expect((await runCli(["validate", "machines"], { cwd })).exitCode).toBe(0);
  });
});

describe("a plugin's command", () => {
  const project = (run: string, name = "brew") => ({
    "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
    "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", executors: () => [], commands: [{
      name: "${name}", summary: "Brew tea.", args: { type: "object", properties: {} }, async run(context) { ${run} },
    }] };`,
  });

  it("needs no server that it does not ask for", async () => {
    const result = await runCli(["brew"], {
      cwd: aProject(project('context.out.result(1, () => "brewed"); return 0;')),
    });

    expect(result).toEqual({ exitCode: 0, stdout: "brewed\n", stderr: "" });
  });

  it("may be in a group of ours", async () => {
    const cwd = aProject(project('context.out.result(1, () => "brewed"); return 0;', "previews tea brew"));

    const called = await runCli(["previews", "tea", "brew"], { cwd });
    const help = await runCli(["previews", "--help"], { cwd });

    expect(called).toEqual({ exitCode: 0, stdout: "brewed\n", stderr: "" });
    expect(help.stdout).toMatch(/ls \[options\].*\n(.*\n)*\s+tea/);
  });

  it("learns that no server runs when it needs one", async () => {
    const { exitCode, stderr } = await runCli(["brew"], { cwd: aProject(project("return context.server.url;")) });

    expect(exitCode).toBe(3);
    expect(stderr).toContain("UNREACHABLE");
  });

  it("that throws is a fault of the plugin, with its place for STACKYARD_DEBUG", async () => {
    const cwd = aProject(project('throw new Error("no water");'));

    const { exitCode, stderr } = await runCli(["brew"], { cwd, env: { STACKYARD_DEBUG: "1" } });

    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/The command "brew" of the plugin "p" failed: no water/);
    expect(stderr).not.toContain("fault in Stackyard");
    expect(stderr).toMatch(/plugin\.mjs:\d+/);
  });
});
