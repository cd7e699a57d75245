import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");

it("prints what the README shows", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const [, shown = "nothing"] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];

  const options = { cwd: folder, encoding: "utf8", timeout: 60_000 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["main.ts"], options);

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(withoutTimes(stdout)).toBe(withoutTimes(shown));
});

/** On a slow machine a second may have passed. */
function withoutTimes(text: string): string {
  return text.replaceAll(/Expires in [^.]+/g, "Expires in some time");
}
