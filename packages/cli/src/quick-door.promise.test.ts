import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** An import or an export of another module that is loaded with the file; types are not. */
const STATIC = /^(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"([^"]+)";/gm;

/** Returns what a file loads before its first line runs: files of this package, and other packages. */
function listLoaded(file: string, found = new Set<string>()): ReadonlySet<string> {
  const path = relative(import.meta.dirname, file);
  if (found.has(path)) return found;
  found.add(path);
  for (const [, name = ""] of readFileSync(file, "utf8").matchAll(STATIC)) {
    if (name.startsWith(".")) listLoaded(join(dirname(file), name), found);
    else if (!name.startsWith("node:")) found.add(name);
  }
  return found;
}

describe("the quick door", () => {
  // Each module more is paid by each start: `--version` cost twice as much when one of them needed the core.
  it("loads these files and no package before it decides whether words have a quick answer", () => {
    expect([...listLoaded(join(import.meta.dirname, "bin.ts"))].toSorted()).toEqual([
      "bin.ts",
      "current-folder.ts",
      "filter-warnings.ts",
      "keep-compiled.ts",
      "node-version.ts",
      "quick-words.ts",
    ]);
  });

  // It is a file of its own in the build, which takes of these packages what it needs.
  it("answers with these packages alone", () => {
    const packages = [...listLoaded(join(import.meta.dirname, "start.ts"))].filter((name) => !name.endsWith(".ts"));

    expect(packages.toSorted()).toEqual(["@stackyard/core", "commander", "typebox"]);
  });
});
