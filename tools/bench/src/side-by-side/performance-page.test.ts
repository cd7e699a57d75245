import { describe, expect, it } from "vitest";
import { replaceSection } from "./performance-page.ts";

const page = "before\n<!-- begin x: written by the benchmark -->\nold\n<!-- end x -->\nafter\n";

describe("replaceSection", () => {
  it("replaces what stands between the marks and nothing else", () => {
    const replaced = replaceSection(page, "x", "new\n");

    expect(replaced).toBe("before\n<!-- begin x: written by the benchmark -->\n\nnew\n\n<!-- end x -->\nafter\n");
    expect(replaceSection(replaced, "x", "new")).toBe(replaced);
  });

  it.each([
    ["no marks", "before"],
    ["no end", "<!-- begin x: written by the benchmark -->"],
    ["the marks twice", page + page],
  ])("refuses a page with %s", (_, text) => {
    expect(() => replaceSection(text, "x", "new")).toThrow('The page needs "<!-- begin x');
  });
});
