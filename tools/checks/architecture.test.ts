import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

const page = readFileSync(join(repositoryRoot, "ARCHITECTURE.md"), "utf8");
const files = new Set(
  globSync("{packages,apps,tools}/*/src/**/*.{ts,tsx}", { cwd: repositoryRoot }).map((path) => basename(path)),
);

function sectionOf(heading: string): string {
  return page.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
}

/** Returns the cells of a table's rows, without its head. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const lines = section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("|---"));
  return lines.slice(1).map((line) => line.split(" | ").map((cell) => cell.replace(/^\| /, "")));
}

function isThere(path: string): boolean {
  const places = path.includes("/") ? [path, `packages/core/src/${path}`, `packages/${path}`] : [];
  return places.some((place) => globSync(place, { cwd: repositoryRoot }).length > 0) || files.has(path);
}

function listMissing(text: string, word: RegExp): readonly string[] {
  return [...text.matchAll(word)].map(([, path = ""]) => path).filter((path) => !isThere(path));
}

describe("ARCHITECTURE.md", () => {
  it("names files that exist in the picture of the corridor", () => {
    const picture = sectionOf("### The corridor");

    expect(picture.match(/[\w-]+\.ts\b/g)?.length).toBeGreaterThan(10);
    expect(listMissing(picture, /([\w/-]+\.ts)\b/g)).toEqual([]);
  });

  it("names files and folders that exist, in every section, and links to files that exist", () => {
    // Entries of packages begin with a dot, and the configuration is a project's.
    const paths = /`(?!stackyard\.config\.ts)(\w[\w.*/-]*\/[\w.*/-]+|[\w-]+\.tsx?)`/g;

    expect([...page.matchAll(paths)].length).toBeGreaterThan(100);
    expect(listMissing(page, paths)).toEqual([]);
    expect(listMissing(page, /\]\(([\w./-]+)[)#]/g).filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual(
      [],
    );
  });

  it("begins with the borders", () => {
    expect(page.match(/^## .+$/m)?.[0]).toBe("## Borders");
  });

  it("lists a reason for every workspace", () => {
    const said = rowsOf(sectionOf("## Packages")).map(([names = "", , why = ""]) => ({ names, why }));
    const workspaces = globSync("{packages,apps,tools}/*/package.json", { cwd: repositoryRoot });

    const unsaid = workspaces
      .map((path) => path.replace("/package.json", ""))
      .filter((path) => !said.some(({ names, why }) => names.includes(`\`${path}\``) && why.length > 10));
    expect(unsaid).toEqual([]);
  });
});
