import { readFileSync } from "node:fs";
import { isMap } from "@stackyard/core";

/** The version of this package. */
export const VERSION: string = readVersion();

function readVersion(): string {
  // It is next to both `src` and `dist`.
  const manifest: unknown = JSON.parse(
    readFileSync(
      new URL(import.meta.url.endsWith("/start.js") ? "../../package.json" : "../package.json", import.meta.url),
      "utf8",
    ),
  );
  return String(isMap(manifest) ? manifest["version"] : "");
}
