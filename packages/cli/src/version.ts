import { defineCommand } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "./command.ts";
import { VERSION } from "./own-version.ts";

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
