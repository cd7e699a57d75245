import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const V1 = `# Mine.
version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: END}]}}
  END: {terminal: true}
tasks: {}
`;
const V2 = `# Mine.
version: 2
revision: follow
events: [GO]
states:
  INIT: {on: {GO: END}, leaving: abandon}
  END: {terminal: true, leaving: abandon}
tasks: {}
`;
const NO_EXECUTOR = "version: 1\nevents: []\nstates: {INIT: {}}\ntasks:\n  t: {config: {name: f}}\n";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>>): string {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

describe("machines upgrade", () => {
  it("rewrites the file and leaves nothing beside it", async () => {
    const cwd = aProject({ "app.yaml": V1 });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml"], { cwd });

    expect([exitCode, stdout]).toEqual([0, "ok   app.yaml is of version 2 now.\n"]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(V2);
    expect(readdirSync(cwd)).toEqual(["app.yaml"]);
  });

  it("prints what it would write, and changes nothing", async () => {
    const cwd = aProject({ "app.yaml": V1 });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml", "--print"], { cwd });

    expect([exitCode, stdout]).toEqual([0, V2]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(V1);
  });

  it("tells what cannot be upgraded, ends with 1 and writes nothing", async () => {
    const cwd = aProject({ "app.yaml": NO_EXECUTOR });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml", "--json"], { cwd });

    expect(exitCode).toBe(1);
    expect(parseLines(stdout)).toEqual([
      {
        file: "app.yaml",
        upgraded: false,
        problems: expect.arrayContaining([
          expect.objectContaining({ code: "executor-required", path: "tasks.t.executor", line: 5 }),
        ]),
      },
    ]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(NO_EXECUTOR);
  });

  it.each([
    ["gone.yaml", "gone.yaml cannot be read as UTF-8 text."],
    ["app.ts", "app.ts is a program; only documents can be rewritten."],
  ])("does not start on %s", async (file, told) => {
    const { exitCode, stderr } = await runCli(["machines", "upgrade", file], { cwd: aProject({ "app.ts": "" }) });

    expect(exitCode).toBe(3);
    expect(stderr).toContain(told);
  });
});
