import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "./version.ts";

/** A file of a new project. */
export interface TemplateFile {
  /** Relative to the project's folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** What tools of this repository, or npm, would take for their own carries this ending in the template. */
const ENDING = ".template";

/** The files of a new project, in the order of their paths. */
export async function loadTemplate(): Promise<readonly TemplateFile[]> {
  // Both `src` and `dist` lie beside it.
  const root = fileURLToPath(new URL("../template/", import.meta.url));
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const dependency = toDependency(dirname(root));
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
  return Promise.all(
    paths.map(async (path) => {
      const text = (await readFile(path, "utf8")).replaceAll("{{stackyard}}", dependency);
      return { path: toTarget(path.slice(root.length)), text };
    }),
  );
}

/**
 * What the package.json of a new project asks npm for: this version or, where this package was not installed but stands
 * in a clone of its repository, the clone's folder, since the registry may not have the version.
 */
export function toDependency(folder: string): string {
  const parts = folder.replaceAll("\\", "/");
  return parts.includes("/node_modules/") ? VERSION : `file:${parts}`;
}

function toTarget(path: string): string {
  const name = path.replaceAll("\\", "/").replace(/^\/+/, "");
  const plain = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name;
  // npm leaves files of this name out of packages.
  return plain === "gitignore" ? ".gitignore" : plain;
}
