import { libraryOf } from "../../tsup.base.ts";

// The bootstrap is not an entry of the package: it is the program of the child process that a local function runs in.
export default {
  ...libraryOf(import.meta.dirname),
  entry: { index: "src/index.ts", definition: "src/definition.ts", "node-bootstrap": "src/node-bootstrap.ts" },
};
