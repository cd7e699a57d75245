import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { findShellBlocks } from "./shell-blocks.ts";

// What a Mac needs of the repository, as far as it can be known without one.

/** Returns the groups of paths that are one file where case and composition of letters do not count. */
function listCollisions(paths: readonly string[]): readonly (readonly string[])[] {
  const folders = paths.flatMap((path) => {
    const parts = path.split("/");
    return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  });
  const groups = Object.values(Object.groupBy(new Set(folders), (path) => path.normalize("NFD").toLowerCase()));
  return groups.filter((group = []) => group.length > 1).map((group = []) => group);
}

/** Only of GNU or of Linux. */
const ONLY_LINUX =
  /\bsed -i(?! ?'')|\breadlink -f\b|\bdate -d\b|\bflock\b|\bgrep -\w*P|\bxargs -d\b|\bstat -c\b|\/proc\//;
/** The page sets up a server with Debian. */
const OF_SERVERS: ReadonlySet<string> = new Set(["docs/deployment.md"]);

describe("on a Mac", () => {
  it("no two files or folders have one name (duckduckgo/tracker-radar#5, strace/strace#134, google/XNNPACK#83)", () => {
    const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: repositoryRoot, encoding: "utf8" }).split("\0");

    expect(tracked.length).toBeGreaterThan(1_000);
    expect(listCollisions(tracked)).toEqual([]);
  });

  it("names that differ by case or composition are found, also of folders", () => {
    expect(listCollisions(["BUILD", "build/a.ts", "caf\u00e9", "cafe\u0301", "c/d", "c/e"])).toEqual([
      ["BUILD", "build"],
      ["caf\u00e9", "cafe\u0301"],
    ]);
  });

  it("the commands of pages need no tool of GNU or Linux (petersalomonsen/wasm-git#106)", () => {
    const pages = globSync(["*.md", "docs/*.md", "{packages,apps,examples}/*/README.md"], { cwd: repositoryRoot });
    const read = (page: string) => findShellBlocks(page, readFileSync(join(repositoryRoot, page), "utf8"));
    const blocks = pages.filter((page) => !OF_SERVERS.has(page)).flatMap(read);

    const found = blocks.filter(({ text }) => ONLY_LINUX.test(text)).map(({ page, line }) => `${page}:${line}`);

    expect(found).toEqual([]);
    expect(["sed -i 's/a/b/' x", "flock x", "readlink -f x"].every((text) => ONLY_LINUX.test(text))).toBe(true);
  });
});
