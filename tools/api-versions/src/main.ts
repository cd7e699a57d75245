import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findBreaks } from "./find-breaks.ts";
import { loadDocument } from "./load-document.ts";
import { findLastRelease, loadReleased } from "./load-released.ts";

// Compares the API with that of the last release, or of the tag that is given: lists what clients of that release would lose.

const root = join(import.meta.dirname, "../../..");
const tag = process.argv[2] ?? findLastRelease(root);
if (tag === undefined) {
  console.log("There is no release yet: no tag v<version> is an ancestor of this commit.");
} else {
  const { version } = JSON.parse(readFileSync(join(root, "packages/server/package.json"), "utf8"));
  const breaks = await findBreaks(await loadReleased(root, tag), await loadDocument(version));
  for (const { operation, message } of breaks) console.error(`${operation}: ${message}`);
  console.log(`Compared with ${tag}: ${breaks.length} ${breaks.length === 1 ? "break" : "breaks"}.`);
  process.exitCode = breaks.length === 0 ? 0 : 1;
}
