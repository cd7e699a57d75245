import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { toShellWord } from "./shell-word.ts";

const NAMES = [
  "pr-7",
  "tenant-$HOME",
  "a b",
  "it's",
  "`id`",
  "$(id)",
  "*",
  "~",
  "a;b",
  "a&b",
  "\\",
  '"',
  "!x",
  "a!!b",
  "~root",
  "-rf",
  "--json",
  "=ls",
  "#x",
  "{a,b}",
  "a\tb",
  "a\nb",
  "$'x'",
  "''",
  "a>b",
  "ünï",
  "",
];

/** Stands for a command: prints its arguments, each with an end that no name has. */
const PRINT = "show() { printf '%s\\0' \"$@\"; }";

function isThere(shell: string): boolean {
  return spawnSync(shell, ["-c", "exit 0"]).status === 0;
}

describe.each([["sh"], ["bash"], ["zsh"]].filter(([shell = ""]) => isThere(shell)))("%s", (shell) => {
  it("reads each name unchanged", () => {
    const script = `${PRINT}\nshow ${NAMES.map(toShellWord).join(" ")}`;

    const printed = execFileSync(shell, ["-c", script], { encoding: "utf8" });

    expect(printed.split("\0").slice(0, -1)).toEqual(NAMES);
  });
});

it("quotes what only zsh replaces by the path of a program", () => {
  expect(toShellWord("=ls")).toBe("'=ls'");
});

it("leaves ordinary names as they are", () => {
  expect(["pr-7", "org/repo#7", "arn:aws:x"].map(toShellWord)).toEqual(["pr-7", "'org/repo#7'", "arn:aws:x"]);
});
