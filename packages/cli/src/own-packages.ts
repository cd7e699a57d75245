import { existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isMap } from "@stackyard/core";
import { OWN_FOLDER } from "./own-folder.ts";
import { VERSION } from "./own-version.ts";

/**
 * Where this installation of Stackyard came from, and so from where its other packages are installed. By name only if the name
 * came from a registry: as long as the packages are on none, a package of that name is a stranger's.
 */
export type OwnSource =
  | { readonly kind: "clone"; readonly packages: string }
  /** Packed packages, as absolute paths by name. */
  | { readonly kind: "bundle"; readonly files: ReadonlyMap<string, string> }
  /** One file with this package and all that it needs. Others of the same release may be next to it. */
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "registry" }
  | { readonly kind: "unknown" };

const OWN = /^(?:stackyard$|@stackyard\/)/;
/** The path to install when the place of the bundle is not known. */
const BUNDLE = "./stackyard-*/*.tgz";

/** Returns true for the names of our own packages. */
export function isOwnPackage(name: string): boolean {
  return OWN.test(name);
}

/** Reads where this program, or the one in `home`, was installed from. */
export function findOwnSource(home: string = fileURLToPath(OWN_FOLDER)): OwnSource {
  const folder = realpathSync(home);
  const [, project] = /^(.*)[\\/]node_modules[\\/]stackyard[\\/]?$/s.exec(folder) ?? [];
  if (project === undefined) return { kind: "clone", packages: dirname(folder) };
  const installed = readInstalled(join(project, "node_modules/.package-lock.json"));
  const [, own] = installed.find(([name]) => name === "stackyard") ?? [];
  if (own !== undefined && /^https?:/.test(own)) return { kind: "registry" };
  const files = installed
    .filter(([name, resolved]) => OWN.test(name) && resolved.startsWith("file:"))
    .map(([name, resolved]) => [name, resolve(project, resolved.slice("file:".length))] as const)
    .filter(([, path]) => existsSync(path));
  const [, file] = files.find(([name]) => name === "stackyard") ?? [];
  if (file === undefined) return { kind: "unknown" };
  return isContained("@stackyard/core", folder) ? { kind: "file", file } : { kind: "bundle", files: new Map(files) };
}

/** Returns true for a package of ours that this one, or the one in `home`, was installed with in one file. */
export function isContained(name: string, home: string = fileURLToPath(OWN_FOLDER)): boolean {
  return isOwnPackage(name) && existsSync(join(home, "node_modules", name, "package.json"));
}

/** Returns the files next to `file` that contain these packages. */
function findBeside(file: string, names: readonly string[]): ReadonlyMap<string, string> {
  const toPath = (name: string) =>
    join(dirname(file), basename(file).replace(/^stackyard-/, `${name.replace("@", "").replace("/", "-")}-`));
  return new Map(names.map((name) => [name, toPath(name)] as const).filter(([, path]) => existsSync(path)));
}

/** Returns the top-level packages and where npm got them from, by the lock that it keeps with them. */
function readInstalled(lock: string): readonly (readonly [name: string, resolved: string])[] {
  const packages = readPackages(lock);
  return Object.entries(packages).flatMap(([path, entry]) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    const resolved = isMap(entry) ? entry["resolved"] : undefined;
    return name === undefined || typeof resolved !== "string" ? [] : [[name, resolved] as const];
  });
}

function readPackages(lock: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(lock, "utf8"));
    return isMap(parsed) && isMap(parsed["packages"]) ? parsed["packages"] : {};
  } catch {
    // Installed globally, or by another package manager.
    return {};
  }
}

/** Returns the command that installs packages of ours from the given source. */
export function formatInstall(names: readonly string[], source: OwnSource = findOwnSource()): string {
  return `npm install ${toArguments(names, source).join(" ")}`;
}

/** Returns true when the folder has every package that `formatInstall` would install. */
export function isInstalled(names: readonly string[], folder: string, source: OwnSource = findOwnSource()): boolean {
  if (source.kind === "unknown" || source.kind === "clone") return false;
  const wanted = source.kind === "file" ? [...findBeside(source.file, names).keys()] : names;
  return wanted.length > 0 && wanted.every((name) => existsSync(join(folder, "node_modules", name)));
}

function toArguments(names: readonly string[], source: OwnSource): readonly string[] {
  if (source.kind === "clone") return names.map((name) => toFolder(source.packages, name));
  if (source.kind === "registry") return names.map((name) => `${name}@${VERSION}`);
  if (source.kind === "file") {
    const files = findBeside(source.file, names);
    return files.size === 0 ? [BUNDLE] : [...files.values()].map(slashes);
  }
  // All of them, because npm would look for those that one depends on in the registry.
  const [file] = source.kind === "bundle" ? source.files.values() : [];
  return [file === undefined ? BUNDLE : `${slashes(dirname(file))}/*.tgz`];
}

/** Returns the dependencies of a new project in `folder` that uses `names`. Empty when their source is not known. */
export function toOwnDependencies(
  names: readonly string[],
  folder: string,
  source: OwnSource = findOwnSource(),
): Readonly<Record<string, string>> {
  if (source.kind === "unknown") return {};
  if (source.kind === "registry") return Object.fromEntries(names.map((name) => [name, VERSION]));
  if (source.kind === "clone")
    return Object.fromEntries(names.map((name) => [name, `file:${toFolder(source.packages, name)}`]));
  // As npm writes it, so that the project can be moved together with the files.
  const files = source.kind === "file" ? findBeside(source.file, names) : source.files;
  return Object.fromEntries([...files].map(([name, path]) => [name, `file:${slashes(relative(folder, path))}`]));
}

function toFolder(packages: string, name: string): string {
  return `${slashes(packages)}/${name === "stackyard" ? "cli" : name.slice("@stackyard/".length)}`;
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}
