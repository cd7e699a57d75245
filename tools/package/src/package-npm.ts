import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "fflate";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { toTar } from "./to-tar.ts";
import type { Files } from "./to-zip.ts";

const Record = Type.Record(Type.String(), Type.String());
const Manifest = Compile(
  Type.Object({
    name: Type.String(),
    dependencies: Type.Optional(Record),
    peerDependencies: Type.Optional(Record),
    peerDependenciesMeta: Type.Optional(
      Type.Record(Type.String(), Type.Object({ optional: Type.Optional(Type.Boolean()) })),
    ),
  }),
);
type Manifest = ReturnType<typeof Manifest.Parse>;
const Packed = Compile(Type.Array(Type.Object({ name: Type.String(), filename: Type.String() })));

const Lock = Compile(
  Type.Object({
    lockfileVersion: Type.Integer(),
    packages: Type.Record(Type.String(), Type.Object({ link: Type.Optional(Type.Boolean()) })),
  }),
);

/** Where the packages are that need large packages which most projects do not use, such as the AWS CDK. */
const EXTRA = "extra";
/** The SDK of its protocol is larger than all that a server needs to talk to its database and to people. */
const ALWAYS_EXTRA: ReadonlySet<string> = new Set(["@stackyard/mcp"]);

/** What `npm install` needs on a machine without the repository. */
export interface NpmBundle {
  /** `stackyard-0.1.0`, the folder that the archive contains. */
  readonly folder: string;
  /** The packed packages, a manifest with a lock for them, and a README, by their path in the folder. */
  readonly files: Files;
  /** A `.tar.gz` of the folder. */
  readonly archive: Uint8Array;
}

/** Packs every package under `packages/`, which must be built. */
export async function packageNpm(root: string, version: string): Promise<NpmBundle> {
  const manifests = readManifests(root);
  const extra = findExtra([...manifests.values()]);
  const temp = await mkdtemp(join(tmpdir(), "stackyard-npm-"));
  try {
    const words = ["pack", ...manifests.keys(), "--ignore-scripts", "--json", "--pack-destination", temp];
    const output = execFileSync("npm", words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const packed = Packed.Parse(JSON.parse(output));
    const files = new Map<string, Uint8Array>(
      packed.map(({ name, filename }) => [
        extra.has(name) ? `${EXTRA}/${filename}` : filename,
        readFileSync(join(temp, filename)),
      ]),
    );
    const folder = `stackyard-${version}`;
    const usual = packed.filter(({ name }) => !extra.has(name));
    for (const [path, text] of lockPackages(root, temp, { version, packed: usual })) files.set(path, Buffer.from(text));
    files.set("README.md", Buffer.from(toReadme(folder)));
    const paths = new Map([...files].map(([path, content]) => [`${folder}/${path}`, content]));
    return { folder, files, archive: gzipSync(toTar(paths), { level: 1, mtime: 0 }) };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

interface LockInput {
  readonly version: string;
  readonly packed: readonly { readonly name: string; readonly filename: string }[];
}

/**
 * Returns a manifest of the packed packages, and its lock: `npm ci` installs the versions with which this repository is
 * tested, by their checksums. It begins as the lock of the repository, so that no newer version is chosen.
 */
function lockPackages(root: string, temp: string, { version, packed }: LockInput): ReadonlyMap<string, string> {
  const dependencies = Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${filename}`]));
  const manifest = { name: "stackyard-bundle", version, private: true, dependencies };
  const files = { "package.json": manifest, "package-lock.json": toLock(root, manifest) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(temp, name), toText(content));
  const words = ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  execFileSync("npm", words, { cwd: temp, stdio: "pipe" });
  return new Map(Object.keys(files).map((name) => [name, readFileSync(join(temp, name), "utf8")]));
}

/** Returns a lock for a project of that name, with the packages of others that the repository's own lock has. */
function toLock(root: string, { name, version }: { readonly name: string; readonly version: string }): object {
  const { lockfileVersion, packages } = Lock.Parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  const known = Object.entries(packages).filter(
    ([path, { link }]) => path.startsWith("node_modules/") && link !== true,
  );
  return { name, version, lockfileVersion, requires: true, packages: Object.fromEntries(known) };
}

export function toText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Writes the archive, and the folder that it contains, for use on this machine. `out` is emptied first. */
export async function writeNpmBundle(out: string, { folder, files, archive }: NpmBundle): Promise<void> {
  await rm(out, { recursive: true, force: true });
  for (const [path, content] of files) {
    await mkdir(dirname(join(out, folder, path)), { recursive: true });
    await writeFile(join(out, folder, path), content);
  }
  await writeFile(join(out, `${folder}.tar.gz`), archive);
}

function readManifests(root: string): ReadonlyMap<string, Manifest> {
  const folders = readdirSync(join(root, "packages"))
    .map((name) => `./packages/${name}`)
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .sort();
  return new Map(
    folders.map((folder) => [
      folder,
      Manifest.Parse(JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))),
    ]),
  );
}

/** Returns the packages for which npm would install a peer: those that require one, and those that depend on them. */
export function findExtra(manifests: readonly Manifest[]): ReadonlySet<string> {
  const found = new Set<string>();
  const isExtra = ({ name, dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }: Manifest) =>
    ALWAYS_EXTRA.has(name) ||
    Object.keys(peerDependencies).some((peer) => peerDependenciesMeta[peer]?.optional !== true) ||
    Object.keys(dependencies).some((name) => found.has(name));
  let size = -1;
  while (size !== found.size) {
    size = found.size;
    for (const manifest of manifests) if (isExtra(manifest)) found.add(manifest.name);
  }
  return found;
}

function toReadme(folder: string): string {
  return `# ${folder}

The npm packages of Stackyard. They are not on a package registry: do not install \`stackyard\` or \`@stackyard/…\` by name, because
a package of that name would be somebody else's.

Unpack the archive in the folder of your project, which needs a \`package.json\` (\`npm init -y\`), and install all packages at once.
npm takes those that depend on each other from this folder only when it gets all of them:

    tar xf ${folder}.tar.gz
    npm install ./${folder}/*.tgz
    npx --no -- stackyard --version

For the AWS CDK constructs, add \`./${folder}/${EXTRA}/stackyard-cdk-*.tgz\`, which also installs the AWS CDK; for assistants,
\`./${folder}/${EXTRA}/stackyard-mcp-*.tgz\`.

To install exactly the versions of all packages with which Stackyard was tested, by their checksums, run \`npm ci --omit=dev\` in
this folder: it has a \`package.json\` and a lock.

Keep this folder in the project, so that \`npm ci\` finds the packages on every machine and in container images. To upgrade, delete
the folder, unpack the new archive and run \`npm install\` with the new folder.
`;
}
