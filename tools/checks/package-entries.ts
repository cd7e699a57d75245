/** One published package of this repository, as its package.json describes it. */
export interface PackageManifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
}

/** One import that a user may write, such as `@stackyard/core/machine`, with the two files behind it. */
export interface PackageEntry {
  readonly specifier: string;
  /** `index`, `machine`, `definition`: the name of its API report. */
  readonly name: string;
  /** Relative to the package: `src/machine/index.ts`. */
  readonly source: string;
  /** Relative to the package: `dist/machine/index.js`. */
  readonly built: string;
}

/** Reads the parts of a package.json that the tools need. Throws when it has no name. */
export function parseManifest(json: unknown): PackageManifest {
  const manifest = json as { name?: unknown; exports?: unknown; bin?: unknown };
  if (typeof manifest.name !== "string") throw new Error("package.json has no name.");
  return {
    name: manifest.name,
    exports: toRecord(manifest.exports),
    bin: toRecord(manifest.bin) as Record<string, string>,
  };
}

/** Returns the module entries of a package.json, in its order; JSON and other files that it exports are left out. */
export function entriesOf(manifest: PackageManifest): PackageEntry[] {
  return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
    const file = toRecord(target)["default"] ?? target;
    if (typeof file !== "string" || !file.endsWith(".js")) return [];
    const built = file.replace("./", "");
    const name = subpath === "." ? "index" : subpath.slice(2).replaceAll("/", "-");
    return [{ specifier: manifest.name + subpath.slice(1), name, source: toSource(built), built }];
  });
}

/**
 * Returns the bundler's input: `{ "machine/index": "src/machine/index.ts" }`. A package with a program also has
 * `dist/bin.js`, which the committed file that `bin` names imports.
 */
export function sourceEntriesOf(json: unknown): Record<string, string> {
  const manifest = parseManifest(json);
  const programs = Object.keys(manifest.bin).length > 0 ? ["dist/bin.js"] : [];
  const built = [...entriesOf(manifest).map((entry) => entry.built), ...programs];
  return Object.fromEntries(built.map((file) => [toOutput(file), toSource(file)]));
}

function toSource(built: string): string {
  return `src/${toOutput(built)}.ts`;
}

function toOutput(built: string): string {
  return built.replace(/^(\.\/)?dist\//, "").replace(/\.js$/, "");
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
