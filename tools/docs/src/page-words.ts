import type { PageGroup } from "./page-groups.ts";
import type { SitePage } from "./site.ts";

/** What a program writes into a page, such as a table of a benchmark. */
const WRITTEN_BY_PROGRAM = /<!-- begin [^>]*-->[\s\S]*?<!-- end [^>]*-->/g;

/** The most words of the first page that a visitor of the repository sees. */
const README_WORDS = 700;

/** Returns how many words a person has written in the page: what white space separates, without tables that a program writes. */
export function countWords(markdown: string): number {
  return markdown.replaceAll(WRITTEN_BY_PROGRAM, " ").split(/\s+/).filter(Boolean).length;
}

/** Returns a sentence for each page that has more words than its budget. */
export function findOverlong(pages: readonly SitePage[], groups: readonly PageGroup[]): readonly string[] {
  const budgets = new Map<string, number | "generated">([
    ["README", README_WORDS],
    ...groups.flatMap((group) => Object.entries(group.pages)),
  ]);
  return pages.flatMap(({ path, markdown }) => {
    const budget = budgets.get(path.replace(/\.md$/, ""));
    const words = countWords(markdown);
    if (typeof budget !== "number" || words <= budget) return [];
    return [
      `${path} has ${words} words; its budget is ${budget}. Move, merge or delete what its reader does not need.`,
    ];
  });
}

/** Returns the sum of the budgets of the groups' pages below `docs/`. Pages that are generated do not count. */
export function sumBudgets(groups: readonly PageGroup[]): number {
  const budgets = groups.flatMap((group) => Object.entries(group.pages)).filter(([path]) => path.startsWith("docs/"));
  return budgets.reduce((sum, [, budget]) => sum + (typeof budget === "number" ? budget : 0), 0);
}
