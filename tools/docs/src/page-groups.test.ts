import { expect, it } from "vitest";
import { PAGE_GROUPS, toSearchWeights } from "./page-groups.ts";

it("the search prefers pages that explain a code, then those for users, to lists of commands and routes", () => {
  const weights = toSearchWeights(PAGE_GROUPS);
  const pages = [
    "docs/errors",
    "docs/troubleshooting",
    "docs/previews",
    "docs/access",
    "docs/http-api",
    "docs/testing",
  ];

  const found = pages.map((page) => weights[page] ?? -1);

  expect(found).toEqual(found.toSorted((a, b) => b - a));
  expect(found.at(-1)).toBe(0);
});
