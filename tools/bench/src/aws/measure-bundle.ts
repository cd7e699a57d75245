import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** How large an app's folder for Lambda is. */
export interface BundleFigures {
  readonly app: string;
  readonly files: number;
  readonly bytes: number;
  /** Of those that are there as soon as the first one is: the rest is loaded when it is needed. */
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
