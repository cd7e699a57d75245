import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What is built: a release, or a commit between two. */
export interface Revision {
  /** `0.1.0` at its tag `v0.1.0`, else with the commit, `0.1.0-g` and 12 hex digits; with uncommitted changes, `.changed`. */
  readonly version: string;
  readonly commit: string | undefined;
  /** When the commit was made, ISO 8601 in UTC. */
  readonly at: string | undefined;
}

/** What a release is built from; other files, such as an earlier release, change nothing. */
const SOURCES = [
  "apps",
  "packages",
  "tools",
  "package.json",
  "package-lock.json",
  "tsconfig.base.json",
  "tsup.base.ts",
];

/** What git says of a working copy. */
export interface GitFacts {
  readonly commit: string;
  readonly tags: readonly string[];
  readonly isChanged: boolean;
  /** Epoch seconds. */
  readonly committedAt: number;
}

/** Returns the version from git's facts; without git, that of the packages. */
export function toRevision(version: string, git: GitFacts | undefined): Revision {
  if (git === undefined) return { version, commit: undefined, at: undefined };
  const isRelease = git.tags.includes(`v${version}`) && !git.isChanged;
  const suffix = isRelease ? "" : `-g${git.commit.slice(0, 12)}${git.isChanged ? ".changed" : ""}`;
  const at = new Date(git.committedAt * 1_000).toISOString();
  return { version: `${version}${suffix}`, commit: git.commit, at };
}

/** Returns the revision of `root`: the version that all packages share, at the checked-out commit. */
export function readRevision(root: string): Revision {
  const { version } = Object(JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8")));
  return toRevision(String(version), readGit(root));
}

function readGit(root: string): GitFacts | undefined {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return {
      commit: git("rev-parse", "HEAD"),
      tags: git("tag", "--points-at", "HEAD").split("\n"),
      isChanged: git("status", "--porcelain", "--untracked-files=normal", "--", ...SOURCES) !== "",
      committedAt: Number(git("log", "-1", "--format=%ct")),
    };
  } catch {
    // Sources that were unpacked from an archive.
    return undefined;
  }
}
