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
  /** One file with this package, in `home`, and all that it needs. Others of the same release may be next to it. */
  | { readonly kind: "file"; readonly file: string; readonly home: string }
  | { readonly kind: "registry" }
  | { readonly kind: "unknown" };

const OWN = /^(?:stackyard$|@stackyard\/)/;
/** The folder of the bundle when its place is not known. */
const BUNDLE = "./stackyard-*";
/** Packages that a release has as one file, too. */
const ONE_FILES: ReadonlySet<string> = new Set(["stackyard", "@stackyard/sdk", "@stackyard/mcp"]);
/** Packages that the bundle has in a folder of their own, because few projects need them. */
const EXTRA: ReadonlySet<string> = new Set(["@stackyard/cdk", "@stackyard/mcp"]);

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
  return isContained("@stackyard/core", folder)
    ? { kind: "file", file, home: folder }
    : { kind: "bundle", files: new Map(files) };
}

/** Returns true for a package of ours that this one, or the one in `home`, was installed with in one file. */
export function isContained(name: string, home: string = fileURLToPath(OWN_FOLDER)): boolean {
  return isOwnPackage(name) && existsSync(join(home, "node_modules", name, "package.json"));
}

/** Returns the files next to `file` that contain these packages. */
function findBeside(file: string, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name, toBeside(file, name)] as const).filter(([, path]) => existsSync(path)));
}

function toBeside(file: string, name: string): string {
  return join(dirname(file), basename(file).replace(/^stackyard-/, `${toBase(name)}-`));
}

function toBase(name: string): string {
  return name.replace("@", "").replace("/", "-");
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
  if (source.kind !== "file") return `npm install ${toArguments(names, source).join(" ")}`;
  const missing = names.filter((name) => !ONE_FILES.has(name) && !isContained(name, source.home));
  if (missing.length === 0) return `npm install ${toFiles(names, source.file).join(" ")}`;
  // The one file has it not, and no other one: all packages of the release replace it.
  const bundle = basename(source.file, ".tgz");
  return `tar xf ${bundle}.tar.gz && npm install ${toBundled(names, `./${bundle}`).join(" ")}`;
}

/** Returns the files of one release that have these packages: the one file, and those that are next to it or are to be copied there. */
function toFiles(names: readonly string[], file: string): readonly string[] {
  const own = names.filter((name) => ONE_FILES.has(name));
  return [...new Set((own.length === 0 ? ["stackyard"] : own).map((name) => slashes(toBeside(file, name))))];
}

/** Returns what installs packages from the folder of a bundle: all of it, because npm would look for what one depends on in the registry. */
function toBundled(names: readonly string[], folder: string): readonly string[] {
  const extra = names.filter((name) => EXTRA.has(name)).map((name) => `${folder}/extra/${toBase(name)}-*.tgz`);
  return [`${folder}/*.tgz`, ...extra];
}

/** Returns true when the folder has every package that `formatInstall` would install. */
export function isInstalled(names: readonly string[], folder: string, source: OwnSource = findOwnSource()): boolean {
  if (source.kind === "unknown" || source.kind === "clone") return false;
  const wanted = source.kind === "file" ? [...findBeside(source.file, names).keys()] : names;
  return wanted.length > 0 && wanted.every((name) => existsSync(join(folder, "node_modules", name)));
}

function toArguments(names: readonly string[], source: Exclude<OwnSource, { kind: "file" }>): readonly string[] {
  if (source.kind === "clone") return names.map((name) => toFolder(source.packages, name));
  if (source.kind === "registry") return names.map((name) => `${name}@${VERSION}`);
  const [file] = source.kind === "bundle" ? source.files.values() : [];
  return toBundled(names, file === undefined ? BUNDLE : slashes(dirname(file)));
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
