import { readFileSync } from "node:fs";
import { defineCommand, isMap } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "./command.ts";

/** The version of this package. */
export const VERSION: string = readVersion();

function readVersion(): string {
  // It is next to both `src` and `dist`.
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return String(isMap(manifest) ? manifest["version"] : "");
}

/** `stackyard version`; `-v` and `--version` are equivalent. */
export const version = defineCommand({
  name: "version",
  summary: "Print the version, like -v and --version.",
  examples: { "stackyard version --json": "Also print the version of Node.js." },
  args: Type.Object({}),
  run({ out }: CommandContext) {
    out.result({ version: VERSION, node: process.versions.node }, () => VERSION);
  },
});
