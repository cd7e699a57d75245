import { Type } from "typebox";
import { defineCommand } from "../command.ts";
import { VERSION } from "../version.ts";

/** `stackyard version`; `-v` and `--version` mean the same. */
export const version = defineCommand({
  name: "version",
  summary: "Print the version. The same as -v and --version.",
  examples: [{ command: "stackyard version --json", what: "The version of Node too." }],
  args: Type.Object({}),
  run({ out }) {
    out.result({ version: VERSION, node: process.versions.node }, () => VERSION);
    return 0;
  },
});
