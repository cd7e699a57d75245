import { PAGE_GROUPS } from "./page-groups.ts";

/** A page of the site: its path in the repository, and its Markdown. */
export interface SitePage {
  readonly path: string;
  readonly markdown: string;
}

/** The page from which every other page of `docs/` is linked. */
const HOME = "docs/README.md";

/** Groups that list every page below a folder. */
const FOLDER_GROUPS: readonly (readonly [title: string, folder: string])[] = [
  ["Packages", "packages/"],
  ["Apps", "apps/"],
  ["Examples", "examples/"],
  ["Package API", "reference/"],
];

const LINK = /(?<!!)\[([^\]]*)\]\(([^)\s]+)\)/g;

export interface SidebarItem {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly SidebarItem[];
}

/**
 * Returns the sidebars of the site, by the folder below which they are shown: the groups above with a link to the first page of each
 * folder, and for each folder all of its pages. One sidebar of all pages, on each of them, was a sixth of the site.
 */
export function toSidebars(pages: readonly SitePage[]): Readonly<Record<string, readonly SidebarItem[]>> {
  const byPath = new Map(pages.map((page) => [page.path.replace(/\.md$/, ""), page]));
  const toItem = (path: string): readonly SidebarItem[] => {
    const page = byPath.get(path);
    return page === undefined ? [] : [{ text: toTitle(page.markdown), link: `/${path}` }];
  };
  const groups = PAGE_GROUPS.map(({ title, pages }) => ({ text: title, items: Object.keys(pages).flatMap(toItem) }));
  const folders = FOLDER_GROUPS.map(([text, folder]) => ({
    text,
    folder,
    items: [...byPath.keys()].filter((path) => path.startsWith(folder)).flatMap(toItem),
  })).filter(({ items }) => items.length > 0);
  const first = folders.map(({ text, items }) => ({ text, link: items[0]?.link ?? "/" }));
  const main = [...groups.filter(({ items }) => items.length > 0), { text: "Code", items: first }];
  const ofFolder = folders.map(({ text, folder, items }): [string, readonly SidebarItem[]] => {
    const others = [{ text: "Documentation", link: "/" }, ...first.filter((each) => each.text !== text)];
    return [
      `/${folder}`,
      [
        { text, items },
        { text: "Others", items: others },
      ],
    ];
  });
  return { "/": main, ...Object.fromEntries(ofFolder) };
}

/**
 * Returns `llms.txt` (https://llmstxt.org), from which assistants learn what there is to read: the pages of the groups as Markdown, each with
 * its first paragraph.
 */
export function toLlmsText(pages: readonly SitePage[], base: string): string {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const groups = PAGE_GROUPS.map(({ title, pages: listed }) => {
    const rows = Object.keys(listed).flatMap((path) => {
      const page = byPath.get(`${path}.md`);
      return page === undefined ? [] : [`- [${toTitle(page.markdown)}](${base}${page.path}): ${toIntroduction(page)}`];
    });
    return [`## ${title}`, rows.join("\n")].join("\n\n");
  });
  const home = byPath.get("README.md");
  return ["# Stackyard", ...(home === undefined ? [] : [`> ${toIntroduction(home)}`]), ...groups, ""].join("\n\n");
}

/** Returns the first paragraph as one line, with the words of its links. */
function toIntroduction({ markdown }: SitePage): string {
  const paragraph = markdown.split("\n\n").find((text) => /^[A-Z*]/.test(text)) ?? "";
  return paragraph.replaceAll(LINK, (_link, label: string) => label).replaceAll("\n", " ");
}

/** Returns the pages of `docs/` and of the root that the sidebar does not list, so that a new page is not forgotten. */
export function findUnlisted(paths: readonly string[]): readonly string[] {
  const listed = new Set(PAGE_GROUPS.flatMap((group) => Object.keys(group.pages).map((path) => `${path}.md`)));
  return paths
    .filter((path) => path !== "README.md" && !listed.has(path))
    .filter((path) => FOLDER_GROUPS.every(([, folder]) => !path.startsWith(folder)));
}

/** Returns the pages of `docs/` to which its home has no link. */
export function findUnlinked(pages: readonly SitePage[]): readonly string[] {
  const home = pages.find(({ path }) => path === HOME)?.markdown ?? "";
  const targets = [...home.matchAll(LINK)].map(([, , target = ""]) => target.split("#")[0] ?? "");
  const linked = new Set([HOME, ...targets.map((target) => new URL(target, `file:///${HOME}`).pathname.slice(1))]);
  return pages.map(({ path }) => path).filter((path) => path.startsWith("docs/") && !linked.has(path));
}

/** Returns the pages of docs whose first lines do not say for whom they are: a paragraph that begins with "For". */
export function findWithoutReader(pages: readonly SitePage[]): readonly string[] {
  const says = ({ markdown }: SitePage) =>
    markdown
      .split("\n")
      .slice(0, 8)
      .some((line) => line.startsWith("For "));
  return pages.filter((page) => page.path.startsWith("docs/") && !says(page)).map((page) => page.path);
}

/** Returns the page as the search of the site sees it: pages for contributors are left out of it. */
export function hideFromSearch({ path, markdown }: SitePage): string {
  const hidden = PAGE_GROUPS.some(({ tier, pages }) => tier === "contribute" && path.replace(/\.md$/, "") in pages);
  return hidden || path.startsWith("apps/") ? `---\nsearch: false\n---\n\n${markdown}` : markdown;
}

/** Returns the text of the first heading without its markup. */
export function toTitle(markdown: string): string {
  const heading = /^# (.+)$/m.exec(markdown)?.[1] ?? "Untitled";
  return heading.replaceAll("`", "");
}

/**
 * Returns the page with links that work on the site: a link to a folder leads to its README, and a link to a file that the
 * site does not have, such as a source file, becomes its text. Links to other sites, anchors and code stay as they are.
 */
export function rewriteLinks(page: SitePage, sitePaths: ReadonlySet<string>): string {
  return mapOutsideCode(page.markdown, (text) =>
    text.replaceAll(LINK, (link, label: string, target: string) => {
      if (/^(?:[a-z]+:|#)/i.test(target)) return link;
      const [path = "", anchor] = target.split("#");
      const found = resolvePage(new URL(path, `file:///${page.path}`).pathname.slice(1), sitePaths);
      if (found === undefined) return label;
      return `[${label}](/${toSitePath(found)}${anchor === undefined ? "" : `#${anchor}`})`;
    }),
  );
}

/**
 * Returns the page without the list of its sections that stands before the first one, because the site shows it next to each page, or on a
 * phone above it.
 */
export function dropContents(markdown: string): string {
  const [start = "", ...sections] = markdown.split(/^(?=## )/m);
  const isContents = (text: string) => /^- \[/.test(text) && !/\]\((?!#)/.test(text);
  const kept = start.split("\n\n").filter((text) => !isContents(text));
  return [kept.join("\n\n"), ...sections].join("");
}

function resolvePage(path: string, sitePaths: ReadonlySet<string>): string | undefined {
  const readme = `${path.replace(/\/$/, "")}/README.md`;
  return [path, readme].find((each) => sitePaths.has(each));
}

/** Returns the address of a page on the site: the README of the repository is its home page. */
export function toSitePath(path: string): string {
  return path === "README.md" ? "index.md" : path;
}

/**
 * Returns every link of the page that leads nowhere: to a path that `exists` rejects, or to an anchor that the page it names
 * does not have. Paths are relative to the root of the repository.
 */
export function findDeadLinks(
  page: SitePage,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
  exists: (path: string) => boolean,
): readonly string[] {
  const dead: string[] = [];
  const leads = (target: string): boolean => {
    const [link = "", anchor] = target.split("#");
    const path = link === "" ? page.path : new URL(link, `file:///${page.path}`).pathname.slice(1);
    if (anchor === undefined) return exists(path);
    const known = anchors.get(path) ?? anchors.get(`${path.replace(/\/$/, "")}/README.md`);
    return known?.has(anchor) === true;
  };
  mapOutsideCode(page.markdown, (text) => {
    const targets = [...text.matchAll(LINK)].map(([, , target = ""]) => target);
    dead.push(...targets.filter((target) => !/^[a-z]+:/i.test(target) && !leads(target)));
    return text;
  });
  return dead;
}

const REPOSITORY_PATH = /`((?:packages|apps|tools|examples|docs|deploy|\.ci|\.github)\/[\w./*{},-]+)`/g;

/** Returns every path of the repository that the page names as code, also as a pattern, and of which `exists` knows nothing. */
export function findMissingPaths({ markdown }: SitePage, exists: (path: string) => boolean): readonly string[] {
  const named: string[] = [];
  mapOutsideCode(markdown, (text) => {
    named.push(...[...text.matchAll(REPOSITORY_PATH)].map(([, path = ""]) => path));
    return text;
  });
  return named.filter((path) => !exists(path));
}

/** Returns the anchors of a page's headings as code hosts write them; the second heading of the same text ends in `-1`. */
export function toAnchors(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  mapOutsideCode(markdown, (line) => {
    const heading = /^#{1,6} (.+)$/.exec(line)?.[1];
    if (heading === undefined) return line;
    const anchor = toAnchor(heading);
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
    return line;
  });
  return anchors;
}

/** Returns a heading's anchor by the rule of GitHub: lower case, hyphens for spaces, no other punctuation. */
export function toAnchor(heading: string): string {
  const text = heading.replaceAll(LINK, (_link, label: string) => label).replaceAll(/[`*]/g, "");
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

/** The part of a Markdown renderer (markdown-it) that `keepBraces` changes. */
interface MarkdownRenderer {
  readonly renderer: { readonly rules: Record<string, ((...input: readonly unknown[]) => string) | undefined> };
}

/**
 * Lets two braces in a page be text: the site would take them for an expression. Only what pages write is changed, because the theme has
 * expressions of its own. Code between fences is text already.
 */
export function keepBraces({ renderer: { rules } }: MarkdownRenderer): void {
  for (const name of ["text", "code_inline", "code_block"]) {
    const rule = rules[name];
    rules[name] = rule && ((...input) => rule(...input).replaceAll("{{", "&#123;&#123;"));
  }
}

/** The color of the block, which the theme gives to its words only. */
const TEXT = [
  ".vp-doc pre.vp-code code{color:var(--shiki-light)}",
  ".dark .vp-doc pre.vp-code code{color:var(--shiki-dark)}",
];

/** An element of highlighted code (hast), as Shiki makes it. */
interface CodeElement {
  readonly properties?: { style?: unknown; class?: string };
  readonly value?: string;
  children?: CodeElement[] | undefined;
}

/**
 * Returns a transformer of Shiki that gives the words of code short classes in place of their two colors, and `toCss`, which has the
 * colors of all classes so far. Words in the color of the block become text. The colors of each word were half of the site.
 */
export function createCodeClasses(plain: string) {
  const classes = new Map<string, string>();
  const toClass = (style: string) => {
    const found = classes.get(style) ?? `k${classes.size}`;
    classes.set(style, found);
    return found;
  };
  return {
    transformer: {
      name: "classes",
      code(code: CodeElement) {
        // Neither the site nor its style needs an element for each line.
        const words = code.children?.flatMap((line) => line.children ?? [line]);
        code.children = words?.flatMap((word) => {
          const { style, ...rest } = word.properties ?? {};
          if (typeof style !== "string") return [word];
          const bare = style.replace(/;$/, "");
          return bare === plain ? (word.children ?? []) : [{ ...word, properties: { ...rest, class: toClass(bare) } }];
        });
      },
    },
    toCss: () =>
      [`.vp-code{${plain}}`, ...TEXT, ...[...classes].map(([style, name]) => `.vp-code .${name}{${style}}`)].join("\n"),
  };
}

/** Applies `map` to the lines outside fenced code. */
function mapOutsideCode(markdown: string, map: (text: string) => string): string {
  let fence: string | undefined;
  const lines = markdown.split("\n").map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || line.trim() === fence)) {
      fence = fence === undefined ? mark : undefined;
      return line;
    }
    return fence === undefined ? map(line) : line;
  });
  return lines.join("\n");
}

/** Returns the page of one package's API reports: a section for each entry. Reports are those of API Extractor. */
export function toReferencePage(name: string, reports: readonly { entry: string; report: string }[]): SitePage {
  const sections = reports.map(({ entry, report }) => {
    const code = /```ts\n([\s\S]*?)\n```/.exec(report)?.[1] ?? report;
    const specifier = entry === "index" ? name : `${name}/${entry}`;
    return `## ${specifier}\n\n\`\`\`ts\n${code.trim()}\n\`\`\``;
  });
  const introduction = `The exported types of every entry of \`${name}\`, as the published package declares them.`;
  return {
    path: `reference/${name.split("/").at(-1)}.md`,
    // Words of declarations would come before the pages that explain them.
    markdown: ["---\nsearch: false\n---", `# ${name}`, introduction, ...sections, ""].join("\n\n"),
  };
}
