import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { findPublishedPackages, type PublishedPackage, repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

// Checks what npm would publish, not the sources: packs every package, lints the tarballs and uses them in an empty
// project outside of this repository, on both supported lines of Node. `npm run build` comes first.

const bin = (name: string, folder = "") => join(repositoryRoot, folder, "node_modules/.bin", name);
const nodes = [bin("node"), bin("node", "tools/checks/node-22")];

interface Packed extends PublishedPackage {
  readonly tarball: string;
}

function run(command: string, args: readonly string[], cwd: string): string | undefined {
  try {
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: "pipe" });
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`.trim() || String(error);
  }
}

function pack(unit: PublishedPackage, temp: string): Packed {
  const target = join(temp, unit.manifest.name.replaceAll("/", "-"));
  mkdirSync(target);
  const problem = run("npm", ["pack", "--ignore-scripts", "--pack-destination", target], unit.folder);
  const [file] = readdirSync(target);
  if (!file) throw new Error(`npm pack of ${unit.manifest.name} failed: ${problem}`);
  return { ...unit, tarball: join(target, file) };
}

async function lint({ folder, manifest, entries, tarball }: Packed): Promise<string[]> {
  const buffer = readFileSync(tarball);
  const data = buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
  const { messages } = await publint({ pack: { tarball: data }, strict: true });
  const pkg = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const lints = messages.map(
    (message) => `${manifest.name}: publint: ${formatMessage(message, pkg, { color: false })}`,
  );
  if (entries.length === 0) return lints;
  const types = run(bin("attw"), ["--profile", "esm-only", "--no-color", "--no-emoji", tarball], repositoryRoot);
  return types ? [...lints, `${manifest.name}: attw: ${types}`] : lints;
}

/** Also installs the peers, optional ones included: an entry that needs one must work when it is there. */
function install(packed: readonly Packed[], project: string): string | undefined {
  const peers = packed.flatMap(({ folder }) =>
    Object.entries(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).peerDependencies ?? {}),
  );
  const ours = packed.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]);
  mkdirSync(project);
  const dependencies = Object.fromEntries([...peers, ...ours]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  return run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], project);
}

function use({ manifest, entries }: Packed, project: string, node: string): string[] {
  const imports = entries.map(({ specifier }) => {
    const code = `const m = await import("${specifier}"); if (Object.keys(m).length === 0) throw new Error("exports nothing");`;
    return { what: `import of ${specifier}`, problem: run(node, ["--input-type=module", "-e", code], project) };
  });
  const bins = Object.entries(manifest.bin).map(([name, file]) => {
    const path = join(project, "node_modules", manifest.name, file);
    return { what: `${name} --version`, problem: run(node, [path, "--version"], project) };
  });
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  return [...imports, ...bins].flatMap(({ what, problem }) => (problem ? [`${what} on ${version}: ${problem}`] : []));
}

const temp = mkdtempSync(join(tmpdir(), "packages-"));
try {
  const packed = findPublishedPackages().map((unit) => pack(unit, temp));
  const lints = (await Promise.all(packed.map(lint))).flat();
  const project = join(temp, "project");
  const failure = install(packed, project);
  const uses = failure
    ? [`npm install of the packed packages: ${failure}`]
    : nodes.flatMap((node) => packed.flatMap((unit) => use(unit, project, node)));
  reportAndExit("packages", [...lints, ...uses], `${packed.length} packed, installed and imported`);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
