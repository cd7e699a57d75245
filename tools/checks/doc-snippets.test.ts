import { describe, expect, it } from "vitest";
import { toSnippetFiles } from "./compile-snippets.ts";
import { readDocSnippets } from "./doc-snippets.ts";

describe("readDocSnippets", () => {
  it("gives each code block with its place", () => {
    const page = ["# A page", "", "```yaml fragment", "a: 1", "", "b: 2", "```", "text", "```", "x", "```"].join("\n");

    expect(readDocSnippets("a.md", page)).toEqual([
      { page: "a.md", line: 4, language: "yaml", note: "fragment", text: "a: 1\n\nb: 2\n", given: "" },
      { page: "a.md", line: 10, language: "", note: "", text: "x\n", given: "" },
    ]);
  });

  it("gives a block what the comment before it says, and only that block", () => {
    const page = ["<!-- given", "declare const x: 1;", "-->", "```ts", "x;", "```", "```ts", "y;", "```"].join("\n");

    expect(readDocSnippets("a.md", page).map(({ line, given }) => [line, given])).toEqual([
      [5, "declare const x: 1;\n"],
      [8, ""],
    ]);
  });

  it.each([
    ["a block without an end", "```ts\nconst x = 1;", "a.md:1 This code block or comment is not closed."],
    ["a comment without an end", "<!-- given\nconst x = 1;", "a.md:1 This code block or comment is not closed."],
    ["what is given for no block", "<!-- given\nx;\n-->\ntext", "a.md:1 A code block must follow"],
  ])("refuses %s", (_what, page, message) => {
    expect(() => readDocSnippets("a.md", page)).toThrow(message);
  });
});

describe("toSnippetFiles", () => {
  const read = (page: string, ...lines: string[]) => readDocSnippets(page, lines.join("\n"));

  it("names files as the page does, in a folder of the page", () => {
    const snippets = [
      ...read("docs/plugins.md", "```ts file=src/index.ts", "1;", "```", "```yaml", "a: 1", "```"),
      ...read(
        "README.md",
        "```ts",
        "// file: a.ts",
        "2;",
        "```",
        "```js file=b.cjs",
        "3;",
        "```",
        "```ts",
        "4;",
        "```",
      ),
    ];

    expect(toSnippetFiles(snippets).map(({ path, text, firstLine }) => [path, text, firstLine])).toEqual([
      ["docs/plugins.md/src/index.ts", "1;\nexport {};\n", 2],
      ["README.md/a.ts", "// file: a.ts\n2;\nexport {};\n", 2],
      ["README.md/b.cjs", "3;\n", 6],
      ["README.md/line-9.ts", "4;\nexport {};\n", 9],
    ]);
  });

  it("keeps two files of one name apart, and counts lines without what is given", () => {
    const block = ["```ts file=a.ts", "1;", "```"];
    const snippets = read("a.md", ...block, "<!-- given", "declare const x: 1;", "-->", ...block);

    expect(toSnippetFiles(snippets).map(({ path, text, firstLine }) => [path, text, firstLine])).toEqual([
      ["a.md/a.ts", "1;\nexport {};\n", 2],
      ["a.md/line-8/a.ts", "declare const x: 1;\n1;\nexport {};\n", 7],
    ]);
  });
});
