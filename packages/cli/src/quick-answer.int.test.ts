import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMAND_NAMES } from "./command-table.ts";
import { findQuickAnswer } from "./quick-answer.ts";
import { mayBeQuick } from "./quick-words.ts";
import { runCli } from "./testing/run-cli.ts";

async function inProject(config?: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), "quick-"));
  if (config !== undefined) await writeFile(join(cwd, "stackyard.config.mjs"), config);
  return cwd;
}

const ALL = [
  ["--version"],
  ["version"],
  ["-v"],
  ["--help"],
  ["-h"],
  ["help"],
  ["help", "stacks"],
  ["help", "stacks", "ls"],
  ["stacks", "--help"],
  ["stack", "ls", "--help"],
  ["--json", "stacks", "ls", "-h"],
  ["completion", "bash"],
  ["completion", "zsh"],
  ["completion", "fish"],
  ["__complete", "--", ""],
  ["__complete", "--", "st"],
  ["__complete", "--", "stacks", ""],
  ["__complete", "--", "stacks", "ls", "--"],
  ["__complete", "--", "graph", "m.yaml", "-f", ""],
  ...COMMAND_NAMES.map((name) => [...name.split(" "), "--help"]),
];

describe("a quick answer", () => {
  it("is tried for all words that have one", () => {
    expect(ALL.filter((words) => !mayBeQuick(words))).toEqual([]);
    expect(mayBeQuick(["stacks", "ls", "--json"])).toBe(false);
  });

  it("is that of the commands, byte for byte, at any width", async () => {
    const cwd = await inProject();
    for (const columns of [60, 100, 180]) {
      for (const words of ALL) {
        const { stdout, exitCode } = await runCli(words, { cwd, columns });
        expect([words, await findQuickAnswer(words, { cwd, columns }), exitCode]).toEqual([words, stdout, 0]);
      }
    }
  });

  it.each([
    [[]],
    [["validate"]],
    [["--version", "--json"]],
    [["helo", "--help"]],
    [["stacks", "lst", "--help"]],
    [["completion", "tcsh"]],
    [["completion", "bash", "--json"]],
    [["send", "--", "--help"]],
    [["__complete", "--", "send", "pr-12", ""]],
  ])("is missing for %j", async (words) => {
    expect(await findQuickAnswer(words, { cwd: await inProject(), columns: 100 })).toBeUndefined();
  });

  it.each([
    ["plugins", 'export default { plugins: ["./a.ts"] };'],
    ["a spread", "const more = {};\nexport default { ...more };"],
    ["another module", 'import config from "./more.mjs";\nexport default config;'],
    ["a module for its effects", 'import "./more.mjs";\nexport default {};'],
    ["an export of another module", 'export { default } from "./more.mjs";'],
    ["an import while it runs", 'export default (await import("./more.mjs")).default;'],
    ["a computed key", 'export default { ["plug" + "ins"]: [] };'],
    ["an escaped key", 'export default { "\\u0070lugins": [] };'],
  ])("leaves the list of commands to a project with %s", async (_, config) => {
    const context = { cwd: await inProject(config), columns: 100 };

    expect(await findQuickAnswer(["--help"], context)).toBeUndefined();
    expect(await findQuickAnswer(["__complete", "--", "st"], context)).toBeUndefined();
    expect(await findQuickAnswer(["stacks", "ls", "--help"], context)).toContain("stackyard stacks ls");
  });

  it("is given in a project without plugins", async () => {
    const config = `import { join } from "node:path";
      process.env["TF_VAR_folder"] ??= join(import.meta.dirname, "environments");
      export default { executors: { terraform: { passEnvironment: ["TF_VAR_folder"] } } };`;

    expect(await findQuickAnswer(["--help"], { cwd: await inProject(config), columns: 100 })).toContain("validate");
  });
});
