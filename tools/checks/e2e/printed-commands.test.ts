import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type DocSnippet, readDocSnippets } from "../doc-snippets.ts";
import { repositoryRoot } from "../published-packages.ts";

// Pieces marked `sh run` are run as a reader would, one after the other in one folder, and print the piece that follows. Pieces
// whose mark is the name of a file are saved under it.
const PAGES = [
  { page: "docs/getting-started.md", begin: ["init", "."] },
  { page: "docs/machines.md", begin: [] },
  { page: "docs/machines-v1.md", begin: [] },
];
const bin = join(repositoryRoot, "packages/cli/dist/bin.js");
const STACKYARD = `stackyard() { "${process.execPath}" "${bin}" "$@"; }\nset -euo pipefail\n`;

describe.each(PAGES)("$page", ({ page, begin }) => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-printed-"));
  const snippets = readDocSnippets(page, readFileSync(join(repositoryRoot, page), "utf8"));
  const commands = snippets.flatMap((snippet, index) => {
    return isCommand(snippet) ? [{ snippet, printed: snippets[index + 1] }] : [];
  });
  for (const { note, text } of snippets) if (/^\S+\.\w+$/.test(note)) writeFileSync(join(cwd, note), text);
  if (begin.length > 0) execFileSync(process.execPath, [bin, ...begin], { cwd });

  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it("has commands to run", () => {
    expect(commands.length).toBeGreaterThan(0);
  });

  it.each(commands.map(({ snippet, printed }) => [`${page}:${snippet.line}`, snippet, printed] as const))(
    "%s prints what it says",
    (_, { text }, printed) => {
      const output = execFileSync("bash", ["-c", STACKYARD + text], { cwd, encoding: "utf8" });

      // A line of JSON may be laid out for readers.
      if (printed?.language === "json") expect(JSON.parse(output)).toEqual(JSON.parse(printed.text));
      else expect(output).toBe(printed?.text);
    },
  );
});

function isCommand({ language, note }: DocSnippet): boolean {
  return language === "sh" && note === "run";
}
