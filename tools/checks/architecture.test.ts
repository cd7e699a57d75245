import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { findHouses } from "./houses.ts";
import { repositoryRoot } from "./published-packages.ts";

const PAGES = ["ARCHITECTURE.md", "ARCHITECTURE-AWS.md"];
const [yard = "", aws = ""] = PAGES.map((name) => readFileSync(join(repositoryRoot, name), "utf8"));
const files = new Set(
  globSync("{packages,apps,tools}/*/src/**/*.{ts,tsx}", { cwd: repositoryRoot }).map((path) => basename(path)),
);

function sectionOf(page: string, heading: string): string {
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

describe("the pages of the architecture", () => {
  it("names files that exist in the picture of the corridor", () => {
    const picture = sectionOf(yard, "### The corridor");

    expect(picture.match(/[\w-]+\.ts\b/g)?.length).toBeGreaterThan(10);
    expect(listMissing(picture, /([\w/-]+\.ts)\b/g)).toEqual([]);
  });

  it.each([
    ["ARCHITECTURE.md", yard],
    ["ARCHITECTURE-AWS.md", aws],
  ])("name files and folders that exist, in every section, and link to files that exist: %s", (_, page) => {
    // Entries of packages begin with a dot, and the configuration is a project's.
    const paths = /`(?!stackyard\.config\.ts)(\w[\w.*/-]*\/[\w.*/-]+|[\w-]+\.tsx?)`/g;

    expect([...page.matchAll(paths)].length).toBeGreaterThan(40);
    expect(listMissing(page, paths)).toEqual([]);
    expect(listMissing(page, /\]\(([\w./-]+)[)#]/g).filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual(
      [],
    );
  });

  it("begins with the borders", () => {
    expect([yard, aws].map((page) => page.match(/^## .+$/m)?.[0])).toEqual(["## Borders", "## Borders"]);
  });

  it("list a reason for every workspace, on the page of its house", () => {
    const said = [yard, aws].map((page) => rowsOf(sectionOf(page, "## Packages")));
    const isSaid = (rows: (typeof said)[number] | undefined, folder: string) =>
      rows?.some(([names = "", , why = ""]) => names.includes(`\`${folder}\``) && why.length > 10) === true;
    const tools = globSync("tools/*/package.json", { cwd: repositoryRoot }).map((path) => dirname(path));

    const unsaid = [
      ...findHouses(repositoryRoot).filter(({ folder, houses: [house, ...more] }) => {
        return house === undefined || more.length > 0 || !isSaid(said[house === "yard" ? 0 : 1], folder);
      }),
      ...tools.filter((folder) => !isSaid(said[0], folder)),
    ];
    expect(unsaid).toEqual([]);
  });
});
