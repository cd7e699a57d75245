import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkArgs } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toCommandFacts } from "./command.ts";
import { COMMAND_NAMES, loadAllCommands } from "./command-table.ts";
import { readCommandLine } from "./read-command-line.ts";

// Every command of the command line that a page shows, such as cli.md, exists and takes its arguments. What plugins add is played beside the plugins.

const root = join(import.meta.dirname, "../../..");
const pages = globSync(["*.md", "docs/*.md", "{packages,apps,examples}/*/README.md"], { cwd: root }).toSorted();
const commands = await loadAllCommands();
const BY_PLUGINS = /^(apps|artifacts|asg|custom-resources|ecs|fleet|hooks|hosts|notify)$/;

const readPage = (page: string) => readFileSync(join(root, page), "utf8");

/** Returns the commands of ours in shell blocks, without the program, as words of a shell. Substitutions are one word. */
function listCommands(text: string): readonly (readonly string[])[] {
  const blocks = [...text.matchAll(/^ *```sh[^\n]*\n([\s\S]*?)^ *```$/gm)].map(([, body = ""]) => body);
  const lines = blocks.flatMap((body) => body.replaceAll(/\\\n\s*/g, " ").split("\n"));
  return lines.flatMap((line) => {
    const [, given] = /^\s*(?:npx --no )?stackyard +(.*)$/.exec(line) ?? [];
    if (given === undefined) return [];
    const words = given.match(/(?:[^\s"'`]|"[^"]*"|'[^']*'|`[^`]*`)+/g) ?? [];
    const end = words.findIndex((word) => /^([|&;<>#]|&&|\|\||\d?>&?\d?|<<.*)$/.test(word));
    const own = words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/;$/, ""));
    return [own.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, a = "", b = "") => a + b))];
  });
}

/** What pages shorten or leave to the reader, where the command line checks it. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  HASH: "a".repeat(64),
  "9f2c…": "a".repeat(64),
  DIGEST: "a".repeat(32),
  SIGNED: `e30.e30.${"a".repeat(86)}`,
  KEY: "a".repeat(43),
};

/** Returns why a command is not accepted; undefined if it is, or if it asks for help or the version. */
async function findFault(shown: readonly string[]): Promise<string | undefined> {
  const words = shown.map((word) => PLACEHOLDERS[word] ?? word);
  const facts = commands.map(toCommandFacts);
  const { read } = await readCommandLine(words, { names: COMMAND_NAMES, columns: 80, listCommands: async () => facts });
  if (read.kind === "usage") return read.message;
  if (read.kind !== "invocation") return undefined;
  const command = commands.find(({ name }) => name === read.invocation.command);
  try {
    if (command !== undefined) checkArgs(command, read.invocation.args);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

describe("the commands of the pages", () => {
  it.each(pages)("%s shows commands that exist, with arguments that they take (curie-eng/curie#104)", async (page) => {
    const own = listCommands(readPage(page)).filter(([first = ""]) => !BY_PLUGINS.test(first));

    const faults = await Promise.all(own.map(async (words) => ({ words, fault: await findFault(words) })));

    expect(faults.filter(({ fault }) => fault !== undefined)).toEqual([]);
  });

  it("are many", () => {
    expect(pages.flatMap((page) => listCommands(readPage(page))).length).toBeGreaterThan(250);
  });

  it("are not accepted with an option that does not exist", async () => {
    expect(await findFault(["init", "--templates", "x"])).toMatch(/templates/);
    expect(await findFault(["quickstart"])).toMatch(/quickstart/);
  });
});
