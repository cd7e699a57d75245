import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

it("runs by one command, in seconds", () => {
  const folder = join(import.meta.dirname, "..");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["demo/main.ts"], { cwd: folder, encoding: "utf8" });

  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("Commit c1: the pipeline is green");
  expect(stdout).toContain("Commit c2, which breaks the role webserver: the pipeline is red");
  expect(stdout).toContain("All 5 instances succeeded.");
});
