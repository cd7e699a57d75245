import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "tsup";
import { sourceEntriesOf } from "./tools/checks/package-entries.ts";

/**
 * The build of one published package: an entry per export of its package.json, `dist/x.js` from `src/x.ts`.
 * tsup 9 strips `node:` by default, which breaks a built `node:sqlite` import, so that stays off.
 */
export function libraryOf(folder: string): Options {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return {
    entry: sourceEntriesOf(manifest),
    format: "esm",
    target: "node22",
    platform: "node",
    dts: true,
    splitting: true,
    sourcemap: false,
    clean: true,
    removeNodeProtocol: false,
  };
}
