import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { entriesOf, type PackageEntry, type PackageManifest, parseManifest } from "./package-entries.ts";

/** The root of this repository. */
export const repositoryRoot: string = join(import.meta.dirname, "../..");

/** A package under `packages/`, found by its package.json. */
export interface PublishedPackage {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: PackageManifest;
  readonly entries: readonly PackageEntry[];
}

/**
 * Returns every package under `packages/`, by name. A new package needs no entry anywhere: its package.json is the
 * entry.
 */
export function findPublishedPackages(root: string = repositoryRoot): PublishedPackage[] {
  const home = join(root, "packages");
  const folders = existsSync(home) ? readdirSync(home).map((name) => join(home, name)) : [];
  return folders
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => {
      const manifest = parseManifest(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
      return { folder, manifest, entries: entriesOf(manifest) };
    })
    .sort((a, b) => a.manifest.name.localeCompare(b.manifest.name));
}
