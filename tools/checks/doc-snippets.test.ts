import { describe, expect, it } from "vitest";
import { readDocSnippets } from "./doc-snippets.ts";

describe("readDocSnippets", () => {
  it("gives each fenced piece with its place", () => {
    const page = ["# A page", "", "```yaml fragment", "a: 1", "", "b: 2", "```", "text", "```", "x", "```"].join("\n");

    expect(readDocSnippets("a.md", page)).toEqual([
      { page: "a.md", line: 4, language: "yaml", note: "fragment", text: "a: 1\n\nb: 2\n" },
      { page: "a.md", line: 10, language: "", note: "", text: "x\n" },
    ]);
  });

  it("refuses a piece without an end", () => {
    expect(() => readDocSnippets("a.md", "```ts\nconst x = 1;")).toThrow("a.md: the piece that begins at line 2");
  });
});
