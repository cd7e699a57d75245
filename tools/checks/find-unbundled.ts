import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";
import { sourceEntriesOf } from "./package-entries.ts";
import { findPublishedPackages, type PublishedPackage } from "./published-packages.ts";

/** Returns the packages of the repository with a bundle that is missing or older than a source; programs come last. */
export function findUnbundled(root?: string): PublishedPackage[] {
  const programs = ({ manifest }: PublishedPackage) => Object.keys(manifest.bin).length;
  return findPublishedPackages(root)
    .filter((unit) => !isBundled(unit))
    .sort((a, b) => programs(a) - programs(b));
}

function isBundled({ folder, manifest }: PublishedPackage): boolean {
  const pages = globSync("*.html", { cwd: folder });
  const bundles = [...Object.keys(sourceEntriesOf(manifest)).map((name) => `${name}.js`), ...pages].map((name) =>
    join(folder, "dist", name),
  );
  if (!bundles.every((file) => existsSync(file))) return false;
  const sources = globSync("src/**/*.{ts,tsx,css,svg}", { cwd: folder }).filter(
    (file) => !/\.test(-d)?\.tsx?$/.test(file),
  );
  const changedAt = Math.max(
    ...["package.json", ...pages, ...sources].map((file) => statSync(join(folder, file)).mtimeMs),
  );
  return bundles.every((file) => statSync(file).mtimeMs >= changedAt);
}
