import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findBreaks } from "./find-breaks.ts";
import { type ApiDocument, loadDocument } from "./load-document.ts";

// Compares the API with that of the last release. `--write`: records the present API as that of the last release, which each release does.

const file = join(import.meta.dirname, "../fixtures/last-release.json");
const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../packages/server/package.json"), "utf8"),
);
const now = await loadDocument(version);

if (process.argv.includes("--write")) {
  writeFileSync(file, `${JSON.stringify(now, undefined, 1)}\n`);
} else {
  const before: ApiDocument = JSON.parse(readFileSync(file, "utf8"));
  const breaks = await findBreaks(before, now);
  for (const { operation, message } of breaks) console.error(`${operation}: ${message}`);
  process.exitCode = breaks.length === 0 ? 0 : 1;
}
