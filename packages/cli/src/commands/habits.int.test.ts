import { afterEach, describe, expect, it } from "vitest";
import { VERSION } from "../own-version.ts";
import { parseLines, runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>> = {}): string {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

describe("the version", () => {
  it.each([["version"], ["-v"], ["-V"], ["--version"]])("is printed by %s", async (word) => {
    expect(await runCli([word])).toEqual({ exitCode: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it.each([
    ["version", "--json"],
    ["-v", "--json"],
    ["--json", "--version"],
  ])("is an object with %s %s", async (...words) => {
    const { exitCode, stdout } = await runCli(words);

    expect([exitCode, parseLines(stdout)]).toEqual([0, [{ version: VERSION, node: process.versions.node }]]);
  });
});

describe("the commands of other tools", () => {
  it.each([
    [["get", "pr-12"], "Use `stackyard stacks show pr-12`."],
    [["get"], "Use `stackyard stacks ls`."],
    [["get", "stacks"], "Use `stackyard stacks ls`."],
    [["get", "machine", "review-app"], "Use `stackyard machines show review-app`."],
    [["describe", "stack", "pr-12"], "Use `stackyard stacks show pr-12`."],
    [["ls"], "Use `stackyard stacks ls`."],
    [["status", "pr-12", "--json"], "Use `stackyard stacks show pr-12`."],
    [["rm", "pr-12"], "Use `stackyard stacks remove pr-12`. It deletes the record only"],
    [["stacks", "list"], "Use `stackyard stacks ls`."],
    [["stack", "rm", "pr-12"], "Use `stackyard stacks remove pr-12`."],
    [["machines", "get"], "Use `stackyard machines show MACHINE`."],
    [["approve", "shop-1.0.0"], "Use `stackyard approvals approve shop-1.0.0 TASK`."],
    [["approvals", "show", "shop-1.0.0"], "Use `stackyard approvals ls`."],
    [["promote", "shop-1.0.0"], "Use `stackyard send shop-1.0.0 EVENT`."],
    [["releases"], "Use `stackyard board`."],
    [["deploys", "ls"], "Use `stackyard deploys show RELEASE`."],
    [["plan", "shop-1.0.0"], "Use `stackyard deploys plan shop-1.0.0"],
    [["lint", "m.yaml"], "Use `stackyard validate m.yaml`."],
    [["constructor"], "Run `stackyard --help` for all commands"],
    [["stacks", "toString"], "Run `stackyard --help` for all commands"],
  ])("are answered with ours: %j", async (words, hint) => {
    const { exitCode, stdout, stderr } = await runCli(words, { cwd: aProject() });

    expect([exitCode, stdout]).toEqual([64, ""]);
    expect(stderr).toContain("Unknown command");
    expect(stderr).toContain(hint);
  });

  it("are answered for logs, with the arguments kept", async () => {
    const { exitCode, stderr } = await runCli(["logs", "pr-12"], { cwd: aProject() });

    expect([exitCode, stderr]).toEqual([64, expect.stringMatching(/Use `stackyard stacks (logs|history) pr-12`\./)]);
  });

  it("are hints of a JSON error too", async () => {
    const { stderr } = await runCli(["get", "pr-12", "--json"], { cwd: aProject() });

    expect(JSON.parse(stderr).error).toEqual({
      code: "USAGE",
      message: "Unknown command 'get'.",
      hint: "Use `stackyard stacks show pr-12`.",
    });
  });
});

describe("the name of a group", () => {
  it.each([
    ["stack", "ls", "stackyard stacks ls"],
    ["machine", "upgrade", "stackyard machines upgrade"],
    ["event", "redrive", "stackyard events redrive"],
    ["tasks", "run", "stackyard task run"],
  ])("is understood in the other number: %s %s", async (group, verb, usage) => {
    const { exitCode, stdout } = await runCli([group, verb, "--help"]);

    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`Usage: ${usage}`)]);
  });
});

describe("the options of every command", () => {
  it("-q prints results and errors, and no notes", async () => {
    const cwd = aProject({ "machines/m.yaml": "version: 1\n" });

    const loud = await runCli(["validate", "machines"], { cwd });
    const quiet = await runCli(["-q", "validate", "machines"], { cwd });

    expect(loud.stderr).toContain("1 with errors");
    expect(quiet).toEqual({ ...loud, stderr: "" });
    expect((await runCli(["graph", "absent", "-q"], { cwd })).stderr).toContain("absent");
  });

  it("--no-color prints none on a terminal, in results and errors", async () => {
    const cwd = aProject({ "machines/m.yaml": "version: 1\n" });
    const run = (...words: string[]) => runCli(words, { cwd, terminal: true });

    expect((await run("validate", "machines")).stdout).toContain("\u001b[");
    expect(JSON.stringify(await run("validate", "machines", "--no-color"))).not.toContain("u001b[");
    expect((await run("no-such-command")).stderr).toContain("\u001b[");
    expect((await run("--no-color", "no-such-command")).stderr).not.toContain("\u001b[");
  });

  it("--verbose prints the requests without the token, and where an error comes from", async () => {
    const words = ["stacks", "ls", "--url", "http://127.0.0.1:1", "--token", "very-secret-token"];

    const short = await runCli(words);
    const verbose = await runCli([...words, "--verbose"]);

    expect(short.stderr.split("\n")).toHaveLength(3);
    expect(verbose.stderr).toContain('debug server found {"url":"http://127.0.0.1:1"}');
    expect(verbose.stderr).toMatch(/\n\s+at /);
    expect(verbose.stderr).not.toContain("very-secret-token");
  });
});
