import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PAGE_GROUPS, toSearchWeights } from "./page-groups.ts";
import { findOverlong } from "./page-words.ts";
import {
  dropContents,
  findDeadLinks,
  findMissingPaths,
  findUnlinked,
  findUnlisted,
  findWithoutReader,
  hideFromSearch,
  rewriteLinks,
  type SitePage,
  toAnchors,
  toLlmsText,
  toReferencePage,
  toSidebars,
  toSitePath,
} from "./site.ts";

// Builds the documentation site from the Markdown of this repository: npm run docs
// A dead link or anchor, or a page of docs/ that the sidebar does not list, that does not say for whom it is or that has too many words, fails the build. `--check` only looks for those.
// Beside the pages are their Markdown and `llms.txt`, for assistants.
// DOCS_BASE is the path below which the site is served; default: /docs/, where the server of a yard shows it.

const root = join(import.meta.dirname, "../../..");
const base = process.env["DOCS_BASE"] ?? "/docs/";
const staged = join(root, "dist/docs-pages");
const site = join(import.meta.dirname, "../dist");
/** Folders that commands of the pages write. */
const WRITTEN = new Set(["deploy/secrets", "tools/docs/dist", "tools/screens/temp"]);

const written = readPages();
const faults = [
  ...findUnlistedPages(),
  ...findReaderless(),
  ...findDead(),
  ...findUnwrittenPaths(),
  ...findUnlinkedPages(),
  ...findOverlong(written, PAGE_GROUPS),
];
for (const fault of faults) console.error(`error ${fault}`);
if (faults.length > 0) process.exit(1);
if (process.argv.includes("--check")) {
  console.log(`The links of ${written.length} pages lead to pages, files and headings that exist.`);
} else {
  const pages = [...written, ...readReference()];
  stage(pages);
  const { build } = await import("vitepress");
  await build(staged);
  console.log(
    `\nBuilt ${pages.length} pages in tools/docs/dist. To read them: npx vite preview --base ${base} --outDir tools/docs/dist`,
  );
}

function findUnlistedPages(): readonly string[] {
  const paths = findUnlisted(written.map((page) => page.path));
  return paths.map((path) => `${path} is not in the sidebar. Add it to PAGE_GROUPS in tools/docs/src/page-groups.ts.`);
}

function findUnlinkedPages(): readonly string[] {
  return findUnlinked(written).map((path) => `docs/README.md does not link ${path}. Add it to one of its tables.`);
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

function findUnwrittenPaths(): readonly string[] {
  const exists = (path: string) => WRITTEN.has(path) || globSync(path, { cwd: root }).length > 0;
  return written.flatMap((page) =>
    findMissingPaths(page, exists).map((path) => `${page.path} names \`${path}\`, which does not exist.`),
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
  for (const page of pages)
    write(
      toSitePath(page.path),
      hideFromSearch({ path: page.path, markdown: dropContents(rewriteLinks(page, paths)) }),
    );
  cpSync(join(root, "docs/images"), join(staged, "docs/images"), { recursive: true });
  const listing = toLlmsText(pages, base);
  write("public/llms.txt", listing);
  for (const { path, markdown } of pages) if (listing.includes(`(${base}${path})`)) write(`public/${path}`, markdown);
  const config = {
    title: "Stackyard",
    description: "An event-driven control plane for application environments.",
    outDir: site,
    base,
    cleanUrls: true,
    // Files beside the pages, not pages.
    srcExclude: ["public/**"],
    lastUpdated: false,
    // Words in angle brackets are text here, not components, and words in braces are not attributes.
    markdown: { html: false, attrs: { disable: true } },
    // esbuild does not know every target of the repository's TypeScript configuration, and a site needs none of it.
    vite: { esbuild: { tsconfigRaw: "{}" }, build: { chunkSizeWarningLimit: 2_000 } },
    themeConfig: {
      search: { provider: "local" },
      notFound: {
        title: "Page not found",
        quote:
          "Press Ctrl+K to search for a word or an error code, or choose a page at the left. Errors and Troubleshooting explain each message.",
        linkLabel: "First page",
        linkText: "First page",
      },
      outline: { level: [2, 3] },
      sidebar: toSidebars(pages),
    },
  };
  const source = `import { createCodeClasses, keepBraces, toAnchor } from ${JSON.stringify(join(import.meta.dirname, "site.ts"))};
const config = ${JSON.stringify(config, undefined, 2)};
config.markdown.anchor = { slugify: toAnchor };
config.markdown.config = keepBraces;
const classes = createCodeClasses("--shiki-light:#24292E;--shiki-dark:#E1E4E8");
config.markdown.codeTransformers = [classes.transformer];
// All pages are read before the first one is written.
config.transformHead = () => [["style", {}, classes.toCss()]];
export default config;
`;
  write(".vitepress/config.mts", source);
  // With the fonts of the reader's system: those of the theme are larger than all pictures.
  write(
    ".vitepress/theme/index.ts",
    `import Theme from "vitepress/theme-without-fonts";
const weights = ${JSON.stringify(toSearchWeights(PAGE_GROUPS))};
// A function of the configuration would be compiled in the browser, which the policy of the yard's server does not allow.
const boostDocument = (id) => weights[id.slice(${base.length}).split("#")[0]] ?? 0.7;
export default {
  extends: Theme,
  enhanceApp: ({ siteData }) => {
    siteData.value.themeConfig.search.options = { miniSearch: { searchOptions: { boostDocument } } };
  },
};
`,
  );
}

function write(path: string, text: string): void {
  const file = join(staged, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
