import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version in the copy's manifest. */
export const OLD_VERSION = "0.0.9";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PACKAGES = join(ROOT, "packages");

/**
 * Installs a copy of the built packages into a folder, under another version, as a second release next to this one. Returns
 * the path of its program.
 */
export function installOldVersion(folder: string): string {
  const modules = join(folder, "node_modules");
  const program = join(modules, "stackyard/dist/bin.js");
  for (const name of readdirSync(join(ROOT, "node_modules")).filter((each) => !each.startsWith("."))) {
    if (name !== "@stackyard" && name !== "stackyard") link(join(ROOT, "node_modules", name), join(modules, name));
  }
  for (const name of readdirSync(PACKAGES)) copyPackage(join(PACKAGES, name), modules);
  return program;
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(realpathSync(target), path);
}

function copyPackage(from: string, modules: string): void {
  const manifest: { name: string } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  const to = join(modules, manifest.name);
  cpSync(join(from, "dist"), join(to, "dist"), { recursive: true });
  if (existsSync(join(from, "node_modules"))) link(join(from, "node_modules"), join(to, "node_modules"));
  writeFileSync(join(to, "package.json"), JSON.stringify({ ...manifest, version: OLD_VERSION }));
}
