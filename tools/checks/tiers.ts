import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listPaths } from "./read-repository.ts";

// Which tests `npm test` runs, and which only `npm run test:all`. Names and tags of Vitest decide, so no list is kept.

/** What a test of integration, in a browser or end to end alone can decide, by the tag that puts it into the first tier. */
export const REASONS: Readonly<Record<string, string>> = {
  promise: "decides a promise: the conformance of a store or transport, or one crash",
  adapter: "decides whether an adapter does what its port asks",
  page: "shows a page of the console once",
  app: "runs an app or a program once, as its users do",
};

/** Tests with one of these tags, of a whole file or of a part of it. */
export const FIRST_TAGS: string = Object.keys(REASONS).join(" || ");

/** A project of vitest.config.ts. */
export type Project = "unit" | "types" | "int" | "browser" | "e2e";

/** A file of tests, and when it runs. */
export interface TieredFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly project: Project;
  /** `npm run test:all` runs both tiers, and all tests of each file. */
  readonly tier: "first" | "rest";
  readonly why: string;
}

/** Returns the project whose tests a file has, by its name, and undefined for a file without tests. */
export function toProject(path: string): Project | undefined {
  if (path.endsWith(".browser.test.tsx")) return "browser";
  if (path.endsWith(".test-d.ts")) return "types";
  if (!path.endsWith(".test.ts")) return undefined;
  if (path.split("/").includes("e2e")) return "e2e";
  return path.endsWith(".int.test.ts") ? "int" : "unit";
}

/** Decides the tier of a file of tests by its name and its text. */
export function toTier(path: string, text: string): TieredFile | undefined {
  const project = toProject(path);
  if (project === undefined) return undefined;
  if (project === "unit") return { path, project, tier: "first", why: "unit tests" };
  // The check of types compiles them.
  if (project === "types") return { path, project, tier: "first", why: "tests of types" };
  const [, whole] = /^\/\/ @module-tag (\S+)$/m.exec(text) ?? [];
  const some = [...text.matchAll(/\btags: "(\w+)"/g)].map(([, tag = ""]) => tag);
  const found = [whole ?? [], ...some].flat().filter((tag) => REASONS[tag] !== undefined);
  const tags = [...new Set(found)].sort().join(", ");
  if (tags === "") return { path, project, tier: "rest", why: "no tag" };
  return { path, project, tier: "first", why: whole === undefined ? `${tags} (${some.length} tags within)` : tags };
}

/** Returns every file of tests that git knows or would add, by its path. */
export function findTests(root: string): TieredFile[] {
  return listPaths(root).flatMap((path) => {
    if (toProject(path) === undefined) return [];
    return toTier(path, readFileSync(join(root, path), "utf8")) ?? [];
  });
}

/** What must have a test in the first tier, by its folder and the tag. */
const NEEDED: readonly (readonly [folder: RegExp, tag: string])[] = [
  [/^packages\/(store|transport)-[^/]+$/, "promise"],
  [/^apps\/[^/]+$/, "app"],
];

/** Returns what must be tested in the first tier, of these folders, and is not: by a test in it, or one that names it. */
export function findUntested(
  folders: readonly string[],
  tests: readonly TieredFile[],
  read: (path: string) => string,
): string[] {
  const first = tests.filter(({ tier }) => tier === "first");
  return folders.flatMap((folder) =>
    NEEDED.filter(([pattern]) => pattern.test(folder))
      .filter(([, tag]) => {
        const tagged = first.filter(({ why }) => why.includes(tag)).map(({ path }) => path);
        const name = `"${folder.slice(folder.indexOf("/") + 1)}"`;
        return !tagged.some((path) => path.startsWith(`${folder}/`) || read(path).includes(name));
      })
      .map(([, tag]) => `${folder} has no test with the tag "${tag}", so npm test decides nothing about it.`),
  );
}
