import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  findDeadLinks,
  findUnlisted,
  findWithoutReader,
  rewriteLinks,
  type SitePage,
  toAnchors,
  toReferencePage,
  toSidebar,
  toSitePath,
} from "./site.ts";

// Builds the documentation site from the Markdown of this repository: npm run docs
// A dead link or anchor, or a page of docs/ that the sidebar does not list or that does not say for whom it is, fails the build. `--check` only looks for those.
// DOCS_BASE is the path below which the site is served, such as /stackyard/; default: /.

const root = join(import.meta.dirname, "../../..");
const staged = join(root, "dist/docs-pages");
const site = join(root, "dist/docs");

const written = readPages();
const faults = [...findUnlistedPages(), ...findReaderless(), ...findDead()];
for (const fault of faults) console.error(`error ${fault}`);
if (faults.length > 0) process.exit(1);
if (process.argv.includes("--check")) {
  console.log(`The links of ${written.length} pages lead to pages, files and headings that exist.`);
} else {
  const pages = [...written, ...readReference()];
  stage(pages);
  const { build } = await import("vitepress");
  await build(staged);
  console.log(`\nBuilt ${pages.length} pages in dist/docs. To read them: npx vite preview --outDir dist/docs`);
}

function findUnlistedPages(): readonly string[] {
  const paths = findUnlisted(written.map((page) => page.path));
  return paths.map((path) => `${path} is not in the sidebar. Add it to GROUPS in tools/docs/src/site.ts.`);
}

function findReaderless(): readonly string[] {
  return findWithoutReader(written).map(
    (path) => `${path} does not say for whom it is. Begin its text with "For …: …".`,
  );
}

function findDead(): readonly string[] {
  const anchors = new Map(written.map(({ path, markdown }) => [path, toAnchors(markdown)]));
  const exists = (path: string) => existsSync(join(root, path));
  return written.flatMap((page) =>
    findDeadLinks(page, anchors, exists).map((target) => `${page.path} links to "${target}", which does not exist.`),
  );
}

function readPages(): readonly SitePage[] {
  const paths = globSync(["*.md", "docs/**/*.md", "{packages,apps,examples}/*/README.md"], { cwd: root });
  return paths.toSorted().map((path) => ({ path, markdown: readFileSync(join(root, path), "utf8") }));
}

function readReference(): readonly SitePage[] {
  return globSync("packages/*/etc", { cwd: root })
    .toSorted()
    .map((folder) => {
      const { name } = JSON.parse(readFileSync(join(root, dirname(folder), "package.json"), "utf8"));
      const reports = globSync("*.api.md", { cwd: join(root, folder) }).toSorted();
      return toReferencePage(
        name,
        reports.map((file) => ({
          entry: basename(file, ".api.md"),
          report: readFileSync(join(root, folder, file), "utf8"),
        })),
      );
    });
}

function stage(pages: readonly SitePage[]): void {
  if (existsSync(staged)) rmSync(staged, { recursive: true });
  const paths = new Set(pages.map((page) => page.path));
  for (const page of pages) write(toSitePath(page.path), rewriteLinks(page, paths));
  cpSync(join(root, "docs/images"), join(staged, "docs/images"), { recursive: true });
  const config = {
    title: "Stackyard",
    description: "An event-driven control plane for application environments on AWS.",
    outDir: site,
    base: process.env["DOCS_BASE"] ?? "/",
    cleanUrls: true,
    lastUpdated: false,
    // Words in angle brackets are text here, not components, and words in braces are neither attributes nor expressions.
    markdown: { html: false, attrs: { disable: true } },
    // esbuild does not know every target of the repository's TypeScript configuration, and a site needs none of it.
    vite: { esbuild: { tsconfigRaw: "{}" }, build: { chunkSizeWarningLimit: 2_000 } },
    vue: { template: { compilerOptions: { delimiters: ["\u0000{", "}\u0000"] } } },
    themeConfig: {
      search: { provider: "local" },
      outline: { level: [2, 3] },
      sidebar: toSidebar(pages),
    },
  };
  const source = `import { toAnchor } from ${JSON.stringify(join(import.meta.dirname, "site.ts"))};
const config = ${JSON.stringify(config, undefined, 2)};
config.markdown.anchor = { slugify: toAnchor };
export default config;
`;
  write(".vitepress/config.mts", source);
}

function write(path: string, text: string): void {
  const file = join(staged, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
