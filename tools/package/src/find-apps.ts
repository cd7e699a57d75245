import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** An app that can be built. */
export interface AppFolder {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
}

/** The apps under `apps/` that have a build, by name; nothing lists them. */
export function findApps(root: string): readonly AppFolder[] {
  const home = join(root, "apps");
  const names = existsSync(home) ? readdirSync(home).sort() : [];
  const folders = names.map((name) => ({ name, folder: join(home, name) }));
  return folders.filter(
    ({ folder }) => existsSync(join(folder, "package.json")) && existsSync(join(folder, "tsup.config.ts")),
  );
}

/** The apps of these names; none: all. Throws for a name that no app has. */
export function chooseApps(apps: readonly AppFolder[], names: readonly string[]): readonly AppFolder[] {
  const known = apps.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`There is no app ${unknown.join(", ")}; there is ${known.join(", ") || "none"}.`);
  return names.length === 0 ? apps : apps.filter(({ name }) => names.includes(name));
}
