import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findLastRelease } from "./load-released.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tags-"));
  git("init", "-q");
  commit();
});
afterEach(() => rmSync(folder, { recursive: true }));

it("finds no release where there is no tag of one", () => {
  git("tag", "action-v1.0.0");
  commit();

  expect(findLastRelease(folder)).toBeUndefined();
});

it("finds the newest version, not the newest tag or a pre-release, before the commit that is released now", () => {
  for (const tag of ["v0.10.0", "v0.9.1", "v0.11.0-rc.1"]) git("tag", tag);
  commit();
  git("tag", "v0.11.0");

  expect(findLastRelease(folder)).toBe("v0.10.0");
});

function commit(): void {
  git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "a change");
}

function git(...options: readonly string[]): void {
  execFileSync("git", options, { cwd: folder });
}
