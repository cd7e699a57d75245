import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli } from "./testing/run-cli.ts";
import { makeTempProject } from "./testing/temp-project.ts";

const hasBash = spawnSync("bash", ["--version"]).status === 0;

describe.skipIf(!hasBash)("the script for bash, where there is a bash", () => {
  const { folder: cwd, remove } = makeTempProject({});
  afterAll(remove);

  /** Presses tab behind these words; the program offers these values. */
  async function complete(words: readonly string[], values: readonly string[] = []): Promise<readonly string[]> {
    const { stdout: script } = await runCli(["completion", "bash"]);
    const typed = ["stackyard", ...words].map((word) => `'${word}'`).join(" ");
    const program = `
      VALUES=${JSON.stringify(values.join("\n")).replaceAll("$", "\\$")}
      stackyard() { printf 'called %s\\n' "$*" >&2; if [ -n "$VALUES" ]; then printf '%b\\n' "$VALUES"; fi; }
      ${script}
      COMP_WORDS=(${typed}); COMP_CWORD=${words.length}
      _stackyard; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync("bash", ["-c", program], { cwd, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  it("knows commands and flags without asking the program", async () => {
    expect(await complete(["stac"])).toEqual(["stacks"]);
    expect(await complete(["stacks", "hi"])).toEqual(["history"]);
    expect(await complete(["stacks", "ls", "--con"])).toEqual(["--condition"]);
  });

  it("asks the program for values", async () => {
    expect(await complete(["stacks", "show", "pr"], ["pr-12", "pr-13"])).toEqual(["pr-12", "pr-13"]);
    expect(await complete(["brew", "tea", ""], ["green"])).toEqual(["green"]);
  });

  it.each([
    [
      ["arn", ":", "aws"],
      ["aws:s3:::one", "aws:s3:::two"],
    ],
    [
      ["arn", ":"],
      ["aws:s3:::one", "aws:s3:::two"],
    ],
    [["arn", ":", "aws", ":", "s3", ":::", "o"], ["one"]],
  ])("completes behind a colon, where bash ends a word: %j [kubectl#1157]", async (words, offered) => {
    const values = offered.length === 1 ? ["arn:aws:s3:::one"] : ["arn:aws:s3:::one", "arn:aws:s3:::two"];

    expect(await complete(["stacks", "show", ...words], values)).toEqual(offered);
  });

  it("never runs what a name says", async () => {
    const offered = await complete(["stacks", "show", ""], ["$(touch pwned)", "a b;*"]);

    expect(offered).toEqual(["\\$\\(touch\\ pwned\\)", "a\\ b\\;\\*"]);
    expect(existsSync(join(cwd, "pwned"))).toBe(false);
  });
});
