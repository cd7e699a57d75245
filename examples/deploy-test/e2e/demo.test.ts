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
});

/** On a busy machine a report may be one virtual second late. */
function withoutTimes(text: string): string {
  return text.replaceAll(/, [\dms ]+ of 15m/g, "").replaceAll(/T[\d-]+Z-[a-z]{7}\b/g, "Z-letters");
}
