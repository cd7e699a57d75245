import type { CommandFacts } from "./command-facts.ts";
import { completeWords, SHELLS, toScript } from "./completion-words.ts";
import { loadKnownCommands } from "./known-commands.ts";
import { VERSION } from "./own-version.ts";
import { findConfigUpwards, hasNoPlugins } from "./project/find-config.ts";
import { findNamed, readCommandLine } from "./read-command-line.ts";

interface QuickContext {
  readonly cwd: string;
  /** The width of the terminal. */
  readonly columns: number | undefined;
}

/**
 * Returns the output of a command line for the version, help or completion, from the table of commands alone: neither the
 * commands nor the engine are loaded. Undefined for other words, and where plugins may have more commands.
 */
export async function findQuickAnswer(words: readonly string[], context: QuickContext): Promise<string | undefined> {
  const [first = "", second, ...rest] = words;
  if (words.length === 1 && VERSION_WORDS.has(first)) return `${VERSION}\n`;
  if (first === "__complete") return completeQuickly(words.slice(2), context);
  const shell = SHELLS.find((name) => name === second);
  if (first === "completion" && shell !== undefined && rest.length === 0) {
    return toScript(shell, await loadKnownCommands());
  }
  return asksForHelp(words) ? readHelp(words, context) : undefined;
}

const VERSION_WORDS: ReadonlySet<string> = new Set(["-v", "-V", "--version", "version"]);

async function completeQuickly(words: readonly string[], { cwd }: QuickContext): Promise<string | undefined> {
  const known = await loadKnownCommands();
  const commands = listMeant(words.slice(0, -1), known, cwd);
  if (commands === undefined) return undefined;
  const wanted = completeWords(words, commands);
  if (wanted.kind === "values") return undefined;
  const prefix = words.at(-1) ?? "";
  return wanted.words
    .filter((word) => word.startsWith(prefix))
    .map((word) => `${word}\n`)
    .join("");
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const read = end < 0 ? words : words.slice(0, end);
  return words[0] === "help" || read.includes("--help") || read.includes("-h");
}

async function readHelp(words: readonly string[], { cwd, columns }: QuickContext): Promise<string | undefined> {
  const known = await loadKnownCommands();
  let isCertain = true;
  const { read } = await readCommandLine(words, {
    names: known.map(({ name }) => name),
    columns,
    listCommands: async (meant) => {
      const commands = listMeant(meant, known, cwd);
      isCertain = commands !== undefined;
      return commands ?? [];
    },
  });
  return isCertain && read.kind === "text" ? read.text : undefined;
}

/** Returns the commands that the words may mean; undefined where plugins may have some of them. */
function listMeant(
  words: readonly string[],
  known: readonly CommandFacts[],
  cwd: string,
): readonly CommandFacts[] | undefined {
  const names = findNamed(
    known.map(({ name }) => name),
    words,
  );
  if (names.length > 0) return known.filter(({ name }) => names.includes(name));
  const path = findConfigUpwards(cwd);
  return path === undefined || hasNoPlugins(path) ? known : undefined;
}
