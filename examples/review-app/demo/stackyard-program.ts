import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Returns the file that runs as `stackyard`. */
export function stackyardProgram(): string {
  const manifest = createRequire(import.meta.url).resolve("stackyard/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly bin: { readonly stackyard: string } };
  return join(dirname(manifest), bin.stackyard);
}
