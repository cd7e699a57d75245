import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { median } from "../side-by-side/statistics.ts";

/** How large an app's folder for Lambda is. */
export interface BundleFigures {
  readonly app: string;
  readonly files: number;
  readonly bytes: number;
  /** Of the modules that the first one imports at once: the others are loaded when they are needed. */
  readonly firstBytes: number;
  /** Each file alone, as a zip has them. */
  readonly zippedBytes: number;
}

/** Reads the folder that `npm run build` has made. */
export function measureBundle(app: string, folder: string): BundleFigures {
  const names = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  const bodies = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  const sum = (lengths: readonly number[]) => lengths.reduce((total, length) => total + length, 0);
  return {
    app,
    files: names.length,
    bytes: sum([...bodies.values()].map(({ length }) => length)),
    firstBytes: sum([...findImported(bodies, "index.mjs")].map((name) => bodies.get(name)?.length ?? 0)),
    zippedBytes: sum([...bodies.values()].map((body) => gzipSync(body).length)),
  };
}

/** Static imports of neighboring modules, as the bundler writes them. */
const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g;

function findImported(bodies: ReadonlyMap<string, Buffer>, first: string): ReadonlySet<string> {
  const found = new Set([first]);
  for (const name of found) {
    for (const [, imported = ""] of bodies.get(name)?.toString().matchAll(STATIC_IMPORT) ?? []) found.add(imported);
  }
  return found;
}

/** Returns the median time in milliseconds that fresh processes need to import a module, apart from the start of Node itself. */
export function measureImportMs(file: string, starts: number, environment: Readonly<Record<string, string>>): number {
  const program = `const at = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)});
    process.stdout.write(String(performance.now() - at), () => process.exit());`;
  const args = ["--input-type=module", "--no-deprecation", "-e", program];
  const samples = Array.from({ length: starts }, () =>
    Number(execFileSync(process.execPath, args, { env: environment, encoding: "utf8" })),
  );
  return median(samples);
}
