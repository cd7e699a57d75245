import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { entriesOf, parseManifest } from "./package-entries.ts";
import { type Repository, toHome } from "./reach.ts";

/** The files of a repository with their content, as they were when they were read. */
export interface ReadRepository extends Repository {
  /** A digest of each file, by its path, in the order of the paths. */
  readonly digests: ReadonlyMap<string, string>;
}

/** Returns the paths of the files that git knows or would add, in order. */
export function listPaths(root: string): readonly string[] {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1_048_576 } as const;
  const output = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], options);
  return [...new Set(output.split("\0"))].sort().filter((path) => path !== "" && existsSync(join(root, path)));
}

/** Returns the commit that is checked out; nothing where there is none. */
export function readCommit(root: string): string {
  const { stdout } = spawnSync("git", ["rev-parse", "--verify", "HEAD"], { cwd: root, encoding: "utf8" });
  return stdout?.trim() ?? "";
}

/** Reads all files of the repository. */
export function readRepository(root: string): ReadRepository {
  const contents = new Map(listPaths(root).map((path) => [path, readFileSync(join(root, path))]));
  const read = (path: string) => contents.get(path)?.toString("utf8") ?? "";
  const manifests = [...contents.keys()].filter((path) => /^[^/]+\/[^/]+\/package\.json$/.test(path));
  return {
    paths: new Set(contents.keys()),
    read,
    entries: new Map(manifests.flatMap((path) => findEntries(toHome(path), JSON.parse(read(path))))),
    digests: new Map(
      [...contents].map(([path, content]) => [path, createHash("sha256").update(content).digest("base64url")]),
    ),
  };
}

function findEntries(
  home: string,
  json: { readonly exports?: unknown; readonly name: string },
): (readonly [string, string])[] {
  if (typeof json.exports === "string") return [[json.name, join(home, json.exports)]];
  return entriesOf(parseManifest(json)).map(({ specifier, source }) => [specifier, join(home, source)]);
}
