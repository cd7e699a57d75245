import { execFileSync } from "node:child_process";
import { toShellCommand } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, CLOSE]
states:
  INIT: { on: { OPEN: [{ action: advance, state: IDLE }] } }
  IDLE: { on: { CLOSE: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks: {}
`;
const NAMES = ["--force", "-x", "--json", "--help", "-v", "help", "-a b", "-$HOME", "it's -"];

/** Returns the words that a shell makes of a command, without the program. */
function toWords(command: string): readonly string[] {
  const printed = execFileSync("sh", [
    "-c",
    `show() { printf '%s\\0' "$@"; }\n${command.replace("stackyard", "show")}`,
  ]);
  return printed.toString("utf8").split("\0").slice(0, -1);
}

/** Returns the commands that a text shows, without those that have a placeholder. */
function listCommands(text: string): readonly string[] {
  const found = [...text.matchAll(/`(stackyard [^`]+)`|^ +(stackyard .+)$/gm)].map(([, a, b]) => a ?? b ?? "");
  return found.filter((command) => !/ [A-Z]+ |WHY/.test(command));
}

describe("commands that are copied from hints", () => {
  const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}", "machines/m.yaml": MACHINE });
  const run = (command: string) => runCli(toWords(command), { cwd });
  let dev: RunningCli;

  beforeAll(async () => {
    dev = startCli(["dev", "--port", "0"], { cwd });
    await dev.line((line) => line.includes("Ctrl-C stops"));
  });
  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it.each(NAMES)("hold for a stack with the name %s", async (name) => {
    const opened = await run(toShellCommand`stackyard send ${name} OPEN --machine m --until IDLE --timeout 30s`);
    expect(opened).toMatchObject({ exitCode: 0 });
    const shown = await run(toShellCommand`stackyard stacks show ${name}`);
    expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("IDLE") });

    const texts = await Promise.all(
      [
        toShellCommand`stackyard stacks retry ${name}`,
        toShellCommand`stackyard stacks logs ${name}`,
        toShellCommand`stackyard stacks upgrade ${name}`,
        toShellCommand`stackyard send ${name} NOPE --timeout 5s`,
      ].map(run),
    );

    const commands = [...new Set(texts.flatMap(({ stdout, stderr }) => listCommands(stdout + stderr)))];
    expect(commands.length).toBeGreaterThanOrEqual(2);
    for (const command of commands.toSorted((a, b) => Number(a.includes("CLOSE")) - Number(b.includes("CLOSE")))) {
      const { exitCode, stderr } = await run(command);
      expect([command, exitCode, stderr]).toEqual([
        command,
        expect.not.toBeOneOf([64]),
        expect.not.stringMatching(/USAGE|Unknown/),
      ]);
    }
  });
});
