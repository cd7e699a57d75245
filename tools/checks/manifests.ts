import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { findPublishedPackages, type PublishedPackage } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

type Json = Readonly<Record<string, unknown>>;

/** What every published package says in the same words. */
const sameEverywhere: Json = {
  license: "MIT",
  type: "module",
  sideEffects: false,
  engines: { node: ">=22.18" },
  publishConfig: { access: "public" },
};
const filesOfEach = ["README.md", "LICENSE", "tsconfig.json", "tsup.config.ts"];
const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

/** Deviations of one package.json from the common form, one line each. `versions`: every package of ours by name. */
export function findManifestProblems(manifest: Json, versions: ReadonlyMap<string, string>): string[] {
  const fields = Object.entries(sameEverywhere)
    .filter(([field, value]) => !isDeepStrictEqual(manifest[field], value))
    .map(([field, value]) => `"${field}" must be ${JSON.stringify(value)}.`);
  const { files, private: isPrivate, scripts, exports = {}, description } = manifest;
  const programs = Object.entries((manifest["bin"] ?? {}) as Json);
  const wanted = ["dist", "README.md", "LICENSE", ...(programs.length > 0 ? ["bin"] : [])];
  const shipped = wanted.filter((file) => !(Array.isArray(files) && files.includes(file)));
  return [
    ...fields,
    ...shipped.map((file) => `"files" must contain "${file}".`),
    ...(isPrivate ? ['a package under packages/ is published, so "private" must go.'] : []),
    ...(description ? [] : ['"description" is missing.']),
    ...((scripts as Json | undefined)?.["build"] ? [] : ['"scripts.build" is missing.']),
    ...programs.flatMap(([name, file]) => findProgramProblems(name, file)),
    ...Object.entries(exports as Json).flatMap(([subpath, target]) => findExportProblems(subpath, target)),
    ...findDependencyProblems((manifest["dependencies"] ?? {}) as Record<string, string>, versions),
  ];
}

function findExportProblems(subpath: string, target: unknown): string[] {
  if (typeof target === "string") return [];
  const { default: file } = target as { default?: unknown };
  const js = typeof file === "string" && file.startsWith("./dist/") && file.endsWith(".js") ? file : undefined;
  const wanted = { types: js?.replace(/\.js$/, ".d.ts"), default: js };
  // The order counts: a resolver takes the first condition that it knows.
  return js && JSON.stringify(target) === JSON.stringify(wanted)
    ? []
    : [`exports["${subpath}"] must be { "types": "./dist/….d.ts", "default": "./dist/….js" }, in this order.`];
}

// npm links programs when it installs, and skips a file that only a build makes.
function findProgramProblems(name: string, file: unknown): string[] {
  const linked = `bin/${name}.js`;
  return file === linked ? [] : [`bin "${name}" must be "${linked}", a committed file that imports dist/bin.js.`];
}

function findDependencyProblems(dependencies: Record<string, string>, versions: ReadonlyMap<string, string>): string[] {
  return Object.entries(dependencies).flatMap(([name, range]) => {
    const ours = versions.get(name);
    if (ours !== undefined)
      return range === ours ? [] : [`"${name}" must be "${ours}", the version of this repository.`];
    return exact.test(range) ? [] : [`"${name}": "${range}" must be an exact version.`];
  });
}

function findPackageProblems(
  { folder, entries, manifest }: PublishedPackage,
  versions: ReadonlyMap<string, string>,
): string[] {
  const programs = Object.values(manifest.bin);
  const needed = [...filesOfEach, ...programs, ...entries.map((entry) => entry.source)];
  const missing = needed.filter((file) => !existsSync(join(folder, file)));
  return [...missing.map((file) => `${file} is missing.`), ...findManifestProblems(readManifest(folder), versions)];
}

function readManifest(folder: string): Json {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

if (import.meta.main) {
  const packages = findPublishedPackages();
  const versions = new Map(packages.map((p) => [p.manifest.name, String(readManifest(p.folder)["version"])]));
  const problems = packages.flatMap((p) =>
    findPackageProblems(p, versions).map((problem) => `${p.manifest.name}: ${problem}`),
  );
  const distinct = new Set(versions.values());
  if (distinct.size > 1) problems.push(`all packages share one version, but there are ${[...distinct].join(", ")}.`);
  reportAndExit("manifests", problems, `${packages.length} packages`);
}
