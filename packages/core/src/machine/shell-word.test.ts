import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
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
  "ünï",
  "",
];

it("a shell reads each name as it is", () => {
  const script = `printf '%s\\n' ${NAMES.map(toShellWord).join(" ")}`;

  const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" });

  expect(printed.split("\n").slice(0, -1)).toEqual(NAMES);
});

it("leaves ordinary names as they are", () => {
  expect(["pr-7", "org/repo#7", "arn:aws:x"].map(toShellWord)).toEqual(["pr-7", "'org/repo#7'", "arn:aws:x"]);
});
