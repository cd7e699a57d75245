import { readFileSync } from "node:fs";
import { isMap } from "@stackyard/core";
import { OWN_FOLDER } from "./own-folder.ts";

/** The version of this package. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("package.json", OWN_FOLDER), "utf8"));
  return String(isMap(manifest) ? manifest["version"] : "");
}
