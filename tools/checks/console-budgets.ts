import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Manifest, readPages } from "./console-pages.ts";
import { repositoryRoot } from "./published-packages.ts";

// What each page of the built console loads, in kB of 1,000 bytes, gzipped: scripts, styles and workers.

/**
 * The aim is 250. Of the 256 that the largest page loads, 30 come later: the layout of its graph, and what only releases need. What
 * an event began and what a stack waits for are shown on most pages, so all of them have grown by it.
 */
const OPERATOR_KB = 270;
/**
 * The aim is 700. Of the 721 measured, 237 are the worker of machines (YAML, CEL, Typebox and all checks), 223 the text editor
 * with the forms, 165 what every page of the console has. 16 are definitions that the worker loads itself, and 10 the diff, when
 * they are needed.
 */
const EDITOR_KB = 750;
const EDITOR_PAGES: ReadonlySet<string> = new Set(["edit-page", "simulate-page", "editor"]);

const dist = join(repositoryRoot, "packages/console/dist");
const manifest: Manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const read = (file: string) => readFileSync(join(dist, file));
const kilobytes = (files: readonly string[]) =>
  files.reduce((sum, file) => sum + gzipSync(read(file), { level: 9 }).length, 0) / 1_000;

const rows = readPages(manifest, (file) => read(file).toString("utf8")).map(({ page, files }) => {
  const limit = EDITOR_PAGES.has(page) ? EDITOR_KB : OPERATOR_KB;
  return { page, files, size: kilobytes(files), limit };
});
const tooLarge = rows.filter(({ size, limit }) => size > limit);
for (const { page, size, limit } of rows) {
  console.log(`${page.padEnd(18)}${size.toFixed(1).padStart(7)} of ${limit} kB${size > limit ? "  too large" : ""}`);
}
for (const { page, files } of tooLarge) {
  const largest = files.map((file) => ({ file, size: kilobytes([file]) })).sort((a, b) => b.size - a.size);
  const parts = largest.slice(0, 8).map(({ file, size }) => `  ${size.toFixed(1).padStart(7)} kB  ${basename(file)}`);
  console.error(`\n${page} loads more than it may. Its largest files:\n${parts.join("\n")}`);
}
console.log(tooLarge.length === 0 ? "console budgets: ok" : `console budgets: ${tooLarge.length} pages are too large`);
if (rows.length < 2) throw new Error("The console has no pages. Run `npm run build` first.");
process.exitCode = tooLarge.length === 0 ? 0 : 1;
