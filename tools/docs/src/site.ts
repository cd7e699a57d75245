/** A page of the site: its path in the repository, and its Markdown. */
export interface SitePage {
  readonly path: string;
  readonly markdown: string;
}

/** A group of the sidebar. `pages` are paths of the site without `.md`. */
interface SidebarGroup {
  readonly title: string;
  readonly pages: readonly string[];
}

const GROUPS: readonly SidebarGroup[] = [
  {
    title: "Start",
    pages: [
      "docs/installation",
      "docs/getting-started",
      "docs/templates",
      "docs/concepts",
      "docs/comparison",
      "docs/glossary",
    ],
  },
  {
    title: "Write machines",
    pages: ["docs/machines", "docs/machines-v1", "docs/events", "docs/tasks", "docs/problems"],
  },
  {
    title: "Run tasks",
    pages: [
      "docs/plans-and-policies",
      "docs/fleet",
      "docs/ecs",
      "docs/promotion",
      "docs/releases",
      "docs/artifacts",
      "docs/state-backend",
      "docs/code-hosts",
      "docs/github-action",
      "docs/notifications",
      "docs/previews",
      "docs/leak-checks",
      "docs/plugins",
    ],
  },
  {
    title: "Operate",
    pages: [
      "docs/deployment",
      "docs/console",
      "docs/operations",
      "docs/access",
      "docs/sign-in",
      "docs/audit",
      "docs/assistant",
      "docs/aws-organization",
      "docs/aws",
      "docs/configuration",
      "docs/troubleshooting",
      "docs/performance",
      "docs/support",
    ],
  },
  { title: "Reference", pages: ["docs/cli", "docs/http-api", "docs/errors"] },
  { title: "Contribute", pages: ["ARCHITECTURE", "CONTRIBUTING", "docs/testing", "SECURITY", "CHANGELOG"] },
];

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
  readonly collapsed?: boolean;
  readonly items?: readonly SidebarItem[];
}

/** Returns the sidebar of the site: the groups above, then every page of packages, apps, examples and the package reference. */
export function toSidebar(pages: readonly SitePage[]): readonly SidebarItem[] {
  const byPath = new Map(pages.map((page) => [page.path.replace(/\.md$/, ""), page]));
  const toItem = (path: string): readonly SidebarItem[] => {
    const page = byPath.get(path);
    return page === undefined ? [] : [{ text: toTitle(page.markdown), link: `/${path}` }];
  };
  const groups = GROUPS.map(({ title, pages }) => ({ text: title, items: pages.flatMap(toItem) }));
  const folders = FOLDER_GROUPS.map(([text, folder]) => ({
    text,
    collapsed: true,
    items: [...byPath.keys()].filter((path) => path.startsWith(folder)).flatMap(toItem),
  }));
  return [...groups, ...folders].filter(({ items }) => items.length > 0);
}

/** Returns the pages of `docs/` and of the root that the sidebar does not list, so that a new page is not forgotten. */
export function findUnlisted(paths: readonly string[]): readonly string[] {
  const listed = new Set(GROUPS.flatMap((group) => group.pages.map((path) => `${path}.md`)));
  return paths
    .filter((path) => path !== "README.md" && !listed.has(path))
    .filter((path) => FOLDER_GROUPS.every(([, folder]) => !path.startsWith(folder)));
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
    markdown: [`# ${name}`, introduction, ...sections, ""].join("\n\n"),
  };
}
