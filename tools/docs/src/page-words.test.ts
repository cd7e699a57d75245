import { describe, expect, it } from "vitest";
import { PAGE_GROUPS, type PageGroup } from "./page-groups.ts";
import { countWords, findOverlong, sumBudgets } from "./page-words.ts";

describe("countWords", () => {
  it("counts what white space separates, also in code and tables, but not what a program writes", () => {
    const measured = "<!-- begin starts: written by the benchmark -->\n| 1 | 2 |\n<!-- end starts -->";

    expect(countWords(`# Two words\n\n\`\`\`sh\nnpm test\n\`\`\`\n\n${measured}\nend`)).toBe(8);
  });
});

describe("findOverlong", () => {
  const groups: readonly PageGroup[] = [{ title: "A", tier: "use", pages: { "docs/a": 2, "docs/cli": "generated" } }];

  it("returns pages with more words than their budget, and no page that is generated", () => {
    const pages = ["docs/a.md", "docs/cli.md", "packages/core/README.md"].map((path) => ({ path, markdown: "# A b" }));

    expect(findOverlong(pages, groups)).toEqual([
      "docs/a.md has 3 words; its budget is 2. Move, merge or delete what its reader does not need.",
    ]);
  });

  it("gives the README 700 words, so that its first screen stays one", () => {
    const page = (words: number) => ({ path: "README.md", markdown: "a ".repeat(words) });

    expect([findOverlong([page(700)], groups).length, findOverlong([page(701)], groups).length]).toEqual([0, 1]);
  });
});

describe("the budgets of the pages", () => {
  const toUse = PAGE_GROUPS.filter(({ tier }) => tier === "use");

  it("leave twelve pages to those who use Stackyard", () => {
    expect(toUse.flatMap(({ pages }) => Object.keys(pages))).toHaveLength(12);
  });

  it("have a sum that one person can own", () => {
    expect(sumBudgets(toUse)).toBeLessThanOrEqual(18_500);
    expect(sumBudgets(PAGE_GROUPS)).toBeLessThanOrEqual(84_000);
  });
});
