import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core";
import { problemKindInfo } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { compileSnippets } from "./compile-snippets.ts";
import { findPublishedPackages, type PublishedPackage, repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

// Checks what npm would publish, not the sources: packs every package, lints the tarballs, and uses them in one empty project
// outside of this repository: imported and required on both supported lines of Node, and by the code blocks of all pages, which
// are compiled; with `--both`, by both supported lines of TypeScript. `npm run build` comes first.

const bin = (name: string, folder = "") => join(repositoryRoot, folder, "node_modules/.bin", name);
const nodes = [bin("node"), bin("node", "tools/checks/node-22")];
/** Processes at once. */
const LANES = 2;

interface Packed extends PublishedPackage {
  readonly tarball: string;
}

interface Run {
  readonly output: string;
  /** What went wrong. */
  readonly problem?: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, encoding: "utf8", maxBuffer: 64 * 1_048_576 }, (error, stdout, stderr) => {
      if (error === null) resolve({ output: stdout });
      else resolve({ output: stdout, problem: `${stdout}${stderr}`.trim() || String(error) });
    });
  });
}

async function inLanes<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const lane = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

/** Returns all by one process of npm, which costs most when it starts. */
async function pack(units: readonly PublishedPackage[], temp: string): Promise<Packed[]> {
  const folders = units.map(({ folder }) => folder);
  const options = ["--ignore-scripts", "--json", "--pack-destination", temp];
  const { output, problem } = await run("npm", ["pack", ...folders, ...options], repositoryRoot);
  if (problem !== undefined) throw new Error(`npm pack failed: ${problem}`);
  const made: readonly { readonly name: string; readonly filename: string }[] = JSON.parse(output);
  const files = new Map(made.map(({ name, filename }) => [name, filename]));
  return units.map((unit) => {
    const file = files.get(unit.manifest.name);
    if (file === undefined) throw new Error(`npm pack made no tarball of ${unit.manifest.name}.`);
    return { ...unit, tarball: join(temp, file) };
  });
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
  const analysis = await checkPackage(createPackageFromTarballData(buffer));
  if (!analysis.types) return [...lints, `${manifest.name}: attw: The types are missing.`];
  const ofModules = analysis.problems.filter(
    (problem) => !("resolutionKind" in problem) || !REQUIRED.has(problem.resolutionKind),
  );
  return [...lints, ...ofModules.map((problem) => `${manifest.name}: attw: ${tell(problem)}`)];
}

/** Ways to find a package that ours, which are modules only, do not serve. */
const REQUIRED: ReadonlySet<string> = new Set(["node10", "node16-cjs"]);

function tell(problem: Problem): string {
  return `${problemKindInfo[problem.kind].title} ${JSON.stringify(problem)}`;
}

/** Large packages that this repository has, at versions that npm compares with ours: links save most of the files to write. */
const LINKED: ReadonlySet<string> = new Set(["aws-cdk-lib", "constructs"]);

/** Installs the packages with their peers, optional ones included: an entry that needs one must work if it is there. */
async function install(packed: readonly Packed[], project: string): Promise<string | undefined> {
  const peers = packed.flatMap(({ folder }) =>
    Object.entries(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).peerDependencies ?? {}),
  );
  const present = peers.map(([name, range]) => [
    name,
    LINKED.has(name) ? `file:${join(repositoryRoot, "node_modules", name)}` : range,
  ]);
  const ours = packed.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]);
  mkdirSync(project);
  const dependencies = Object.fromEntries([...present, ...ours]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-online"];
  return (await run("npm", words, project)).problem;
}

/**
 * A program that requires and imports every specifier that it is given, and prints what went wrong by specifier. What is required
 * and imported must be one copy: errors are known by identity, and registries are shared.
 */
const LOADER = `(async () => {
  const problems = {};
  for (const specifier of process.argv.slice(1)) {
    let step = "require";
    try {
      const required = require(specifier);
      step = "import";
      const imported = await import(specifier);
      const others = Object.keys(imported).filter((name) => required[name] !== imported[name]);
      if (Object.keys(imported).length === 0) problems[specifier] = "exports nothing";
      if (others.length > 0) problems[specifier] = "required and imported are two copies of " + others.join(", ");
    } catch (error) { problems[specifier] = step + ": " + String(error?.stack ?? error); }
  }
  console.log(JSON.stringify(problems));
  process.exit(0);
})();`;

async function load(packed: readonly Packed[], project: string, node: string): Promise<string[]> {
  const specifiers = packed.flatMap(({ entries }) => entries.map(({ specifier }) => specifier));
  const { output: version } = await run(node, ["--version"], project);
  const what = `on Node ${version.trim()}`;
  const { output, problem } = await run(node, ["--input-type=commonjs", "-e", LOADER, "--", ...specifiers], project);
  if (problem !== undefined) return [`Loading ${what}: ${problem}`];
  const problems: Readonly<Record<string, string>> = JSON.parse(output.trim().split("\n").at(-1) ?? "");
  return Object.entries(problems).map(([specifier, text]) => `${specifier} ${what}: ${text}`);
}

async function callBins(packed: readonly Packed[], project: string, node: string): Promise<string[]> {
  const bins = packed.flatMap(({ manifest }) =>
    Object.entries(manifest.bin).map(([name, file]) => ({ name, path: join(manifest.name, file) })),
  );
  const problems = await inLanes(bins, async ({ name, path }) => {
    const { problem } = await run(node, [join(project, "node_modules", path), "--version"], project);
    return problem === undefined ? [] : [`${name} --version by ${node}: ${problem}`];
  });
  return problems.flat();
}

interface Use {
  readonly problems: readonly string[];
  readonly snippets: number;
}

async function use(packed: readonly Packed[], project: string): Promise<Use> {
  const failure = await install(packed, project);
  if (failure !== undefined) return { problems: [`npm install of the packed packages: ${failure}`], snippets: 0 };
  const { problems, count } = await compileSnippets(project, { both: process.argv.includes("--both") });
  const loads: string[] = [];
  for (const node of nodes) {
    loads.push(...(await load(packed, project, node)), ...(await callBins(packed, project, node)));
  }
  return { problems: [...problems, ...loads], snippets: count };
}

const temp = mkdtempSync(join(tmpdir(), "packages-"));
try {
  const packed = await pack(findPublishedPackages(), temp);
  const [lints, { problems, snippets }] = await Promise.all([
    inLanes(packed, lint),
    use(packed, join(temp, "project")),
  ]);
  const summary = `${packed.length} packed, installed, imported and required; ${snippets} code blocks compiled`;
  reportAndExit("packages", [...lints.flat(), ...problems], summary);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
