import { parseArgs } from "node:util";

/** What a demo is called with. */
export interface DemoWords {
  /** Leave the yard running for a look at the console. */
  readonly keep: boolean;
  readonly quick: boolean;
}

interface WordsInput {
  /** Such as `npm run demo:fleet`. */
  readonly command: string;
  /** What the demo shows, in a sentence or two. */
  readonly about: string;
  /** What `--quick` does; without it, the option does not exist. */
  readonly quick?: string;
}

const KEEP = "leave the yard running for a look at the console, until Ctrl-C";

/** Reads the arguments of a demo. For `--help` and wrong ones, prints its help and returns the exit code. */
export function parseDemoWords(words: readonly string[], { command, about, quick }: WordsInput): DemoWords | number {
  const options = [["keep", KEEP], ...(quick === undefined ? [] : [["quick", quick]])] as const;
  const usage = options.map(([name]) => ` [-- --${name}]`).join("");
  const lines = options.map(([name = "", what = ""]) => `  --${name.padEnd(6)} ${what}\n`).join("");
  const help = `${command}${usage}\n\n${about}\n\n${lines}`;
  try {
    const known = Object.fromEntries([...options.map(([name]) => name), "help"].map((name) => [name, FLAG]));
    const { values } = parseArgs({ args: [...words], options: known });
    if (values["help"] !== true) return { keep: values["keep"] === true, quick: values["quick"] === true };
    process.stdout.write(help);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 64;
  }
}

const FLAG = { type: "boolean" } as const;
