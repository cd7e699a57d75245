import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");

it("prints what the README shows", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const [, shown = "nothing"] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];

  const { stdout, stderr, status } = spawnSync(process.execPath, ["main.ts"], { cwd: folder, encoding: "utf8" });

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(withoutTimes(stdout).slice(0, withoutTimes(shown).length)).toBe(withoutTimes(shown));
  expect(stdout).toContain("BROKEN after");
});

/** Pauses between polls are random, so a migration may end in one poll or in the next. */
function withoutTimes(text: string): string {
  return text.replaceAll(/after \d+ s/g, "after some s");
}
