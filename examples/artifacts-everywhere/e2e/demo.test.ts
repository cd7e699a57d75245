import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");

it("plays by one command, and prints what the README shows", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const [, shown = "nothing"] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  const options = { cwd: folder, encoding: "utf8" } as const;

  const { status, stdout, stderr } = spawnSync(process.execPath, ["demo/main.ts"], options);

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  for (const part of shown.split("…\n")) expect(withoutTimes(stdout)).toContain(withoutTimes(part.trimEnd()));
}, 120_000);

it.each([
  ["--help", 0],
  ["--bogus", 64],
])(
  "plays nothing for %s, and says what it takes",
  (word, status) => {
    const played = spawnSync(process.execPath, ["demo/main.ts", word], { cwd: folder, encoding: "utf8" });

    expect(played.status).toBe(status);
    expect(status === 0 ? played.stdout : played.stderr).toContain("It takes no arguments");
    expect(played.stdout).not.toContain("A distributor in");
  },
  30_000,
);

it("exits without an error when the reader closes the pipe", () => {
  const options = { cwd: folder, encoding: "utf8" } as const;

  const { stdout, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" demo/main.ts | head -n 1`], options);

  expect({ lines: stdout.split("\n").length - 1, stderr }).toEqual({ lines: 1, stderr: "" });
}, 120_000);

/** On a busy machine more virtual time passes while a file is copied. */
function withoutTimes(text: string): string {
  return text.replaceAll(/ (at once|after \d+ (s|min))\./g, " in time.");
}
