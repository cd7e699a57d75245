import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./published-packages.ts";

const GROUPS = ["packages", "apps", "tools", "examples"];

/**
 * Returns all pages with examples: those of the repository's root, the documentation, and each README of packages,
 * apps, tools and examples.
 */
export function findPages(): readonly string[] {
  const pages = [".", "docs"].flatMap(list).filter((path) => path.endsWith(".md"));
  const readmes = GROUPS.flatMap(list).map((folder) => join(folder, "README.md"));
  return [...pages, ...readmes.filter((path) => existsSync(join(repositoryRoot, path)))];
}

function list(folder: string): readonly string[] {
  return readdirSync(join(repositoryRoot, folder)).map((name) => join(folder, name));
}
