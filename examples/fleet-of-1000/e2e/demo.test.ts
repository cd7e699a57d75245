import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

it("plays by one command", () => {
  const folder = join(import.meta.dirname, "..");
  const options = { cwd: folder, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["demo/main.ts", "--quick"], options);

  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("A commit comes to the pipeline of a fleet of 100 instances.");
  expect(stdout).toMatch(/ {2}0:05 {2}\[.{40}\] {2}0 of 100 done/);
  expect(stdout).toContain("The pipeline's action has failed: ");
  expect(stdout).toContain("stackyard fleet retry");
  expect(stdout).toMatch(/WHY +INSTANCES/);
});
