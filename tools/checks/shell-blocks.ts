/** A shell block of a Markdown page, also in a list. */
export interface ShellBlock {
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What follows the language, such as `play`. */
  readonly note: string;
  readonly text: string;
}

/** Says what becomes of the blocks of a page that contain `has`; without it, of all others. */
export interface BlockRule {
  readonly has?: string;
  /** The test that plays them, as a path of the repository. */
  readonly by?: string;
  /** The test plays only blocks that are marked with `play`. */
  readonly marked?: boolean;
  /** Why no test can. */
  readonly not?: string;
}

/** What a test must contain that plays a page. */
export type ReadTest = (path: string) => string | undefined;

const BLOCK = /^( *)(```+)([^\n`]*)\n([\s\S]*?)^ *\2 *$/gm;
/** What a transcript shows after its prompt is not for the reader to type. */
const COMMAND = /^\s*(?:npx |npm |stackyard (?:[a-z]+ |--))/;

/** Returns the shell blocks of a page, and the blocks that begin with a command but do not say that they are shell. */
export function findShellBlocks(page: string, markdown: string): readonly ShellBlock[] {
  return [...markdown.matchAll(BLOCK)].flatMap(({ 3: info = "", 4: text = "", index }) => {
    const [language = "", ...note] = info.trim().split(" ");
    if (language !== "sh" && !(/^(|text|bash|shell|console)$/.test(language) && COMMAND.test(text))) return [];
    return [{ page, line: markdown.slice(0, index).split("\n").length, language, note: note.join(" "), text }];
  });
}

/**
 * Returns what is wrong with the rules of a page: a block that no test plays and that has no reason, or that its test skips because it has no
 * mark; a rule that fits no block; a test that does not exist or does not name the page.
 */
export function findBlockFaults(
  page: string,
  blocks: readonly ShellBlock[],
  rules: readonly BlockRule[],
  readTest: ReadTest,
): readonly string[] {
  const ruleOf = ({ text }: ShellBlock) => rules.find(({ has = "" }) => text.includes(has));
  const used = new Set(blocks.map(ruleOf));
  const unplayed = blocks.filter((block) => ruleOf(block) === undefined);
  const foreign = blocks.filter(({ language }) => language !== "sh");
  const skipped = blocks.filter((block) => ruleOf(block)?.marked === true && !block.note.startsWith("play"));
  return [
    ...unplayed.map(({ line }) => `${page}:${line} No test plays this block, and no reason says why not.`),
    ...skipped.map(({ line }) => `${page}:${line} The test of this block skips it. Write play after its fence.`),
    ...foreign.map(({ line }) => `${page}:${line} This block contains commands. Write sh after its fence.`),
    ...rules.filter((rule) => !used.has(rule)).map(({ has }) => `${page} has no block for the rule "${has ?? "all"}".`),
    ...rules.flatMap(({ by }) => (by === undefined ? [] : findTestFaults(page, by, readTest))),
  ];
}

function findTestFaults(page: string, by: string, readTest: ReadTest): readonly string[] {
  const test = readTest(by);
  if (test === undefined) return [`${page} is played by ${by}, which does not exist.`];
  const folder = page.replace(/[^/]*$/, "");
  const isBeside = !page.startsWith("docs/") && by.startsWith(folder);
  return isBeside || test.includes(page.replace(/^docs\//, ""))
    ? []
    : [`${page} is played by ${by}, which does not name it.`];
}
