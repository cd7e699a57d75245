import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readRevision } from "./read-revision.ts";
import { makeRepository } from "./testing/a-repository.ts";

const repository = makeRepository();
const { root } = repository;

function git(...args: readonly string[]): string {
  const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
  return execFileSync("git", [...who, ...args], { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
}

beforeAll(() => {
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "first", "--date", "2026-01-01T00:00:00Z");
});

afterAll(() => repository.remove());

it("is the commit between releases, and the release at its tag", () => {
  const commit = git("rev-parse", "HEAD");

  const before = readRevision(root);
  git("tag", "v0.1.0");

  expect([before.commit, before.version]).toEqual([commit, `0.1.0-g${commit.slice(0, 12)}`]);
  expect(readRevision(root)).toEqual({ ...before, version: "0.1.0" });
});

it("is not changed by a release that lies in the repository", () => {
  mkdirSync(join(root, "out"));
  writeFileSync(join(root, "out/release.json"), "{}");

  expect(readRevision(root).version).toBe("0.1.0");
});

it("marks a source that differs from every commit", () => {
  writeFileSync(join(root, "apps/tiny/src/more.ts"), "");

  expect(readRevision(root).version).toMatch(/^0\.1\.0-g[0-9a-f]{12}\.changed$/);
});

it("is the packages' version in sources outside a repository", () => {
  const unpacked = makeRepository();

  expect(readRevision(unpacked.root)).toEqual({ version: "0.1.0", commit: undefined, at: undefined });
  unpacked.remove();
});
