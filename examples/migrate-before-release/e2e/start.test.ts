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
  expect(stdout.startsWith(shown)).toBe(true);
  expect(stdout).toContain("BROKEN after");
});
