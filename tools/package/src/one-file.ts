import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { copyInstalled } from "./copy-installed.ts";
import { flattenTypes } from "./flatten-types.ts";
import { type NpmBundle, toText } from "./package-npm.ts";
import type { Revision } from "./read-revision.ts";
import { toTar } from "./to-tar.ts";

const Manifest = Compile(
  Type.Object({
    name: Type.String(),
    version: Type.String(),
    dependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
    exports: Type.Record(Type.String(), Type.Unknown()),
  }),
);
type Manifest = ReturnType<typeof Manifest.Parse>;
const Optional = Type.Record(Type.String(), Type.Object({ optional: Type.Optional(Type.Boolean()) }));
const Names = Type.Record(Type.String(), Type.String());
const Lock = Compile(
  Type.Object({
    packages: Type.Record(
      Type.String(),
      Type.Object({
        version: Type.Optional(Type.String()),
        integrity: Type.Optional(Type.String()),
        link: Type.Optional(Type.Boolean()),
        resolved: Type.Optional(Type.String()),
        dependencies: Type.Optional(Names),
        optionalDependencies: Type.Optional(Names),
        peerDependencies: Type.Optional(Names),
        peerDependenciesMeta: Type.Optional(Optional),
      }),
    ),
  }),
);
type Locked = ReturnType<typeof Lock.Parse>["packages"];

/** A package that npm installs as one file, because all that it needs is in it. */
interface OneFile {
  readonly name: string;
  /** Packages of ours that it has besides those that it depends on. */
  readonly also: readonly string[];
  /** Entries that it does not have, because they need packages that its readers do not. */
  readonly without: readonly string[];
  /** Types of others are left out, and its own are flat. */
  readonly isFlat: boolean;
}

const ONE_FILES: readonly OneFile[] = [
  {
    name: "stackyard",
    also: ["@stackyard/hosts", "@stackyard/notifications", "@stackyard/previews", "@stackyard/store-postgres"],
    without: [],
    isFlat: false,
  },
  { name: "@stackyard/mcp", also: [], without: [], isFlat: false },
  // What commands of plugins are made of needs the library of schemas, and its types.
  { name: "@stackyard/sdk", also: [], without: ["./commands"], isFlat: true },
];

/** A package with all that it needs. */
export interface OneFilePackage {
  readonly name: string;
  /** `stackyard-0.1.0.tgz`, by the version of the release. */
  readonly file: string;
  readonly content: Uint8Array;
  /** The packages of others in it, and the checksums by which npm took them from the registry. */
  readonly locked: readonly { readonly name: string; readonly version: string; readonly integrity: string }[];
}

/** Makes each package that is installed as one file: ours from the bundle, and the others as they are installed by the repository's lock. */
export async function packageOneFiles(
  root: string,
  bundle: NpmBundle,
  { version }: Pick<Revision, "version">,
): Promise<readonly OneFilePackage[]> {
  const { packages } = Lock.Parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  const temp = await realpath(await mkdtemp(join(tmpdir(), "stackyard-one-file-")));
  try {
    return ONE_FILES.map((one, index) => {
      const place = { root, folder: join(temp, String(index)), packages, bundle };
      const { locked, manifest } = stage(one, place);
      const content = gzipSync(toTar(readFiles(place.folder)), { level: 6 });
      return { name: one.name, file: `${toBase(manifest.name)}-${version}.tgz`, content, locked };
    });
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

interface Place {
  readonly root: string;
  /** Where the package is put together. */
  readonly folder: string;
  readonly packages: Locked;
  readonly bundle: NpmBundle;
}

function toBase(name: string): string {
  return name.replace("@", "").replace("/", "-");
}

function stage(one: OneFile, place: Place): { readonly locked: OneFilePackage["locked"]; readonly manifest: Manifest } {
  const { folder, packages } = place;
  const own = findPackage(one.name, place);
  const paths = collect([own, ...one.also.map((name) => findPackage(name, place))], packages);
  for (const path of paths) if (!path.includes("node_modules/")) unpack(path, toTarget(path, own, place), place);
  const manifest = Manifest.Parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  const exports = Object.fromEntries(Object.entries(manifest.exports).filter(([path]) => !one.without.includes(path)));
  const added = one.also.map((name) => [name, manifest.version]);
  const dependencies: Readonly<Record<string, string>> = { ...manifest.dependencies, ...Object.fromEntries(added) };
  const bundleDependencies = Object.keys(dependencies).sort();
  const changes = { exports, dependencies, bundleDependencies, devDependencies: undefined, scripts: undefined };
  writeFileSync(join(folder, "package.json"), toText({ ...manifest, ...changes }));
  const others = paths.filter((path) => path.includes("node_modules/"));
  const named = one.isFlat ? new Set(others) : collectNamed(others, place);
  for (const path of others) {
    const installed = { source: join(place.root, path), version: packages[path]?.version, isTyped: named.has(path) };
    copyInstalled(installed, toTarget(path, own, place));
  }
  if (one.isFlat) flattenTypes(folder, toEntries(exports));
  return { locked: others.map((path) => toLocked(path, packages)), manifest };
}

/** Returns where the lock has a package of ours. */
function findPackage(name: string, { packages }: Place): string {
  const found = packages[`node_modules/${name}`]?.resolved;
  if (found === undefined) throw new Error(`The lock has no package ${name}.`);
  return found;
}

/** Returns the paths in the lock of these packages and of all that they need. */
function collect(from: readonly string[], packages: Locked): readonly string[] {
  const found = new Set<string>();
  const open = [...from];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...listNeeded(path, packages));
  }
  return [...found].sort();
}

function listNeeded(path: string, packages: Locked): readonly string[] {
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = packages[path] ?? {};
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  const names = [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
  return names.flatMap((name) => resolveName(name, path, packages) ?? []);
}

/** Returns where Node finds a package from the folder of another one. */
function resolveName(name: string, from: string, packages: Locked): string | undefined {
  const path = from === "" ? `node_modules/${name}` : `${from}/node_modules/${name}`;
  const found = packages[path];
  if (found !== undefined) return found.link === true ? found.resolved : path;
  if (from === "") return undefined;
  const at = from.lastIndexOf("/node_modules/");
  return resolveName(name, at < 0 ? "" : from.slice(0, at), packages);
}

/** Returns where a package of the lock is put: ours below `node_modules`, but `own`, which is the package itself. */
function toTarget(path: string, own: string, { folder, packages }: Place): string {
  const [, workspace = "", rest = ""] = /^(packages\/[^/]+)(.*)$/.exec(path) ?? [];
  if (workspace === "") return join(folder, path);
  const [name] =
    Object.entries(packages).find(([, { link, resolved }]) => link === true && resolved === workspace) ?? [];
  return join(folder, workspace === own ? "" : (name ?? workspace), rest);
}

/** Unpacks a package of ours, as `npm pack` has made it. */
function unpack(path: string, target: string, { bundle, root }: Place): void {
  const { name, version } = Manifest.Parse(JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")));
  const file = `${toBase(name)}-${version}.tgz`;
  const [content] = [bundle.files.get(file), bundle.files.get(`extra/${file}`)].filter((each) => each !== undefined);
  if (content === undefined) throw new Error(`The bundle has no ${file}.`);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xz", "--strip-components=1"], { cwd: target, input: content });
}

/** Returns the packages of others that types of ours name, and all that these need. */
function collectNamed(others: readonly string[], { folder, packages }: Place): ReadonlySet<string> {
  const texts = globSync("**/*.d.ts", { cwd: folder }).map((path) => readFileSync(join(folder, path), "utf8"));
  const matches = texts.flatMap((text) => [...text.matchAll(/(?:from |import\()"((?:@[^/"]+\/)?[^./"][^/"]*)/g)]);
  const names = new Set(matches.map(([, name = ""]) => `node_modules/${name}`));
  return new Set(
    collect(
      others.filter((path) => names.has(path)),
      packages,
    ),
  );
}

function toEntries(exported: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.values(exported).flatMap((value) => {
    const types: unknown = Object(value).types;
    return typeof types === "string" ? [types.replace(/^\.\//, "")] : [];
  });
}

function toLocked(path: string, packages: Locked): OneFilePackage["locked"][number] {
  const name = path.split("node_modules/").at(-1) ?? path;
  const { version, integrity } = packages[path] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`The lock has no checksum of ${path}.`);
  return { name, version, integrity };
}

function readFiles(folder: string): ReadonlyMap<string, Uint8Array> {
  const paths = globSync("**", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = paths.map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1));
  // Files that begin with a dot are settings of their authors' tools.
  const kept = files.filter((path) => !path.split("/").some((name) => name.startsWith(".")));
  return new Map(kept.map((path) => [`package/${path}`, readFileSync(join(folder, path))]));
}

/**
 * Returns what the archives were made from, as an in-toto statement (SLSA provenance 1.0): the commit, and each package of others by the
 * checksum of npm's lock. It is not a signature; `SHA256SUMS` has its sum, and a release signs that.
 */
export function toProvenance(
  archives: ReadonlyMap<string, Uint8Array>,
  locked: OneFilePackage["locked"],
  { version, commit, at }: Revision,
): string {
  const dependencies = [...new Map(locked.map((each) => [`${each.name}@${each.version}`, each]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { integrity }]) => ({ uri: `pkg:npm/${id.replace(/^@/, "%40")}`, digest: toDigest(integrity) }));
  const source = commit === undefined ? [] : [{ name: "stackyard", digest: { gitCommit: commit } }];
  return toText({
    _type: "https://in-toto.io/Statement/v1",
    subject: [...archives]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, content]) => ({ name, digest: { sha256: toSha256(content) } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "npm run package:npm",
        externalParameters: { version, at },
        resolvedDependencies: [...source, ...dependencies],
      },
      runDetails: { builder: { id: "tools/package" } },
    },
  });
}

function toDigest(integrity: string): Readonly<Record<string, string>> {
  const [algorithm = "", value = ""] = integrity.split("-");
  return { [algorithm]: Buffer.from(value, "base64").toString("hex") };
}

export function toSha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
