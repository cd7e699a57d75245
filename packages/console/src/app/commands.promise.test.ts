import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..");
const DOCS = join(SOURCE, "../../../docs");

/** A command that a page shows to be copied: its words before options, arguments and placeholders. */
const COMMAND = /(?:command: |command=|text=\{?)["`{]*"?stackyard ((?:[a-z]+ ?){1,2})/g;

function findCommands(text: string): readonly string[] {
  return [...text.matchAll(COMMAND)].map(([, words = ""]) => words.trim());
}

describe("commands that pages show", () => {
  it.each([
    ['<Empty command="stackyard stacks ls">', ["stacks ls"]],
    ['command: "stackyard send pr-1 OPENED"', ["send pr"]],
    ["<Command text={`stackyard audit verify`} />", ["audit verify"]],
  ])("are found: %s", (text, commands) => {
    expect(findCommands(text)).toEqual(commands);
  });

  it("are documented", () => {
    const docs = globSync("*.md", { cwd: DOCS })
      .map((name) => readFileSync(join(DOCS, name), "utf8"))
      .join("\n");
    const shown = globSync("**/*.tsx", { cwd: SOURCE })
      .filter((path) => !path.includes(".test."))
      .flatMap((path) => findCommands(readFileSync(join(SOURCE, path), "utf8")).map((command) => ({ path, command })));
    expect(shown.length).toBeGreaterThan(15);

    const isKnown = (command: string) => docs.includes(`stackyard ${command}`) || docs.includes(`\`${command}\``);
    expect(shown.filter(({ command }) => !isKnown(command))).toEqual([]);
  });
});
