import { describe, expect, it } from "vitest";
import { type BlockRule, findBlockFaults, findShellBlocks } from "./shell-blocks.ts";

const PAGE = `# Page

\`\`\`sh
stackyard ps
\`\`\`

1. Then:

   \`\`\`sh play
   stackyard send a B
   \`\`\`

\`\`\`text
npx --no stackyard dev
\`\`\`

\`\`\`text
ID  STATE
\`\`\`
`;

const blocks = findShellBlocks("docs/page.md", PAGE);
const tests = new Map([["a.test.ts", "// plays page.md"]]);
const judge = (...rules: BlockRule[]) =>
  findBlockFaults("docs/page.md", blocks.slice(0, 2), rules, (path) => tests.get(path));

describe("findShellBlocks", () => {
  it("finds blocks also in lists, and commands in blocks that do not say that they are shell", () => {
    expect(blocks.map(({ line, language, note }) => [line, language, note])).toEqual([
      [3, "sh", ""],
      [9, "sh", "play"],
      [13, "text", ""],
    ]);
  });
});

describe("findBlockFaults", () => {
  it("accepts blocks that a test plays or that have a reason", () => {
    expect(judge({ has: "send", by: "a.test.ts" }, { not: "needs an account" })).toEqual([]);
  });

  it("names file and line of a block that has neither (mindersec/minder#1706)", () => {
    expect(judge({ has: "send", by: "a.test.ts" })).toEqual([
      "docs/page.md:3 No test plays this block, and no reason says why not.",
    ]);
  });

  it("names a block without the mark that its test needs", () => {
    expect(judge({ by: "a.test.ts", marked: true })).toEqual([
      "docs/page.md:3 The test of this block skips it. Write play after its fence.",
    ]);
  });

  it("names rules that fit no block, and tests that do not play the page", () => {
    expect(judge({ has: "gone", not: "old" }, { by: "b.test.ts" })).toEqual([
      'docs/page.md has no block for the rule "gone".',
      "docs/page.md is played by b.test.ts, which does not exist.",
    ]);
  });

  it("names commands in a block of another language", () => {
    expect(findBlockFaults("docs/page.md", blocks, [{ not: "any" }], () => "")).toEqual([
      "docs/page.md:13 This block contains commands. Write sh after its fence.",
    ]);
  });
});
